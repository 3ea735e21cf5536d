"""Reads the topic of observations and prints what came out of which session, one JSON line an observation."""

import json
import os

from kafka import KafkaConsumer

BROKERS = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092").split(",")
TOPIC = os.environ.get("DORMOUSE_TOPIC_OBSERVATION", "agent.observation")
GROUP = os.environ.get("GROUP_ID", "article-listener")


def main() -> None:
    consumer = KafkaConsumer(
        TOPIC,
        bootstrap_servers=BROKERS,
        group_id=GROUP,
        auto_offset_reset="earliest",
    )
    for record in consumer:
        event = json.loads(record.value)
        if event["type"] != "com.southwest.ai.observation.tool_result":
            continue
        data = event["data"]
        print(json.dumps({"session_id": data["session_id"], "result": data["result"]}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
