// A Dispatcher of its own: reads intents, runs the tool of each in a goroutine, sends back session id, tool name,
// status and result. It knows Kafka and nothing of Dormouse.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	toolCall   = "com.southwest.ai.intent.tool_call"
	toolResult = "com.southwest.ai.observation.tool_result"
	source     = "/dispatcher/go-001"
)

type intent struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data struct {
		SessionID  string          `json:"session_id"`
		ToolName   string          `json:"tool_name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"data"`
}

type observation struct {
	SpecVersion     string `json:"specversion"`
	Type            string `json:"type"`
	Source          string `json:"source"`
	ID              string `json:"id"`
	Time            string `json:"time"`
	DataContentType string `json:"datacontenttype"`
	Data            result `json:"data"`
}

type result struct {
	SessionID string `json:"session_id"`
	ToolName  string `json:"tool_name"`
	Status    string `json:"status"`
	Result    any    `json:"result"`
}

// A tool gets the intent's parameters; an error means that it failed.
type tool func(parameters json.RawMessage) (any, error)

var tools = map[string]tool{"check_seats": checkSeats}

func checkSeats(parameters json.RawMessage) (any, error) {
	var asked struct {
		Flight string `json:"flight"`
	}
	if err := json.Unmarshal(parameters, &asked); err != nil {
		return nil, err
	}
	if asked.Flight == "" {
		return nil, errors.New("flight: expected a flight number")
	}
	return map[string]any{"flight": asked.Flight, "seats_left": 3 * len(asked.Flight)}, nil
}

func run(in intent) result {
	answer, err := tools[in.Data.ToolName](in.Data.Parameters)
	status := "succeeded"
	if err != nil {
		log.Printf("%s failed: %v", in.ID, err)
		status = "failed"
	}
	return result{SessionID: in.Data.SessionID, ToolName: in.Data.ToolName, Status: status, Result: answer}
}

func wrap(data result) (kafka.Message, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return kafka.Message{}, err
	}
	value, err := json.Marshal(observation{
		SpecVersion:     "1.0",
		Type:            toolResult,
		Source:          source,
		ID:              "evt-" + hex.EncodeToString(id),
		Time:            time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		DataContentType: "application/json",
		Data:            data,
	})
	return kafka.Message{Key: []byte(data.SessionID), Value: value}, err
}

func handle(ctx context.Context, message kafka.Message, writer *kafka.Writer) error {
	var in intent
	if err := json.Unmarshal(message.Value, &in); err != nil || in.Type != toolCall {
		return nil // not for us
	}
	if _, served := tools[in.Data.ToolName]; !served {
		return nil
	}
	out, err := wrap(run(in))
	if err != nil {
		return err
	}
	if err := writer.WriteMessages(ctx, out); err != nil {
		return fmt.Errorf("%s: its result was not sent: %w", in.ID, err)
	}
	log.Printf("served %s", in.ID)
	return nil
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func main() {
	brokers := strings.Split(env("KAFKA_BROKERS", "127.0.0.1:9092"), ",")
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:     brokers,
		GroupID:     env("GROUP_ID", "dispatcher_group"),
		Topic:       env("DORMOUSE_TOPIC_INTENT", "agent.intent"),
		StartOffset: kafka.FirstOffset,
	})
	writer := &kafka.Writer{
		Addr:         kafka.TCP(brokers...),
		Topic:        env("DORMOUSE_TOPIC_OBSERVATION", "agent.observation"),
		Balancer:     kafka.Murmur2Balancer{Consistent: true}, // as Dormouse: a session stays in its partition
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: 5 * time.Millisecond,
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	var running sync.WaitGroup
	for {
		message, err := reader.ReadMessage(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		running.Add(1)
		go func() {
			defer running.Done()
			if err := handle(context.WithoutCancel(ctx), message, writer); err != nil {
				log.Print(err)
			}
		}()
	}
	running.Wait()
	if err := errors.Join(reader.Close(), writer.Close()); err != nil {
		log.Fatal(err)
	}
}
