"""A Commander of a few lines: publishes one intent, as a plain Kafka client.

It knows nothing of Dormouse: no key, no headers, none of its extensions. The event's `id` is all that tells a repeat
from another intent.
"""

import argparse
import json
import os
import uuid
from datetime import datetime, timezone

from kafka import KafkaProducer

BROKERS = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092").split(",")
TOPIC = os.environ.get("DORMOUSE_TOPIC_INTENT", "agent.intent")


def intent(args: argparse.Namespace) -> dict:
    return {
        "specversion": "1.0",
        "type": "com.southwest.ai.intent.tool_call",
        "source": "/commander/instance-001",
        "id": args.id or f"evt-{uuid.uuid4().hex}",
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {
            "session_id": args.session,
            "trace_id": uuid.uuid4().hex,
            "tool_name": args.tool,
            "parameters": args.parameters,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Publishes one intent.")
    parser.add_argument("--session", default="sess-abc")
    parser.add_argument("--id", help="the event's id; default: a new one")
    parser.add_argument("--tool", default="sql_query")
    parser.add_argument(
        "--parameters",
        type=json.loads,
        default={"query": "SELECT name, city FROM users WHERE active = 1 ORDER BY name"},
        help="JSON",
    )
    parser.add_argument("--times", type=int, default=1, help="how often the same event is sent")
    args = parser.parse_args()

    producer = KafkaProducer(bootstrap_servers=BROKERS)
    event = intent(args)
    # without a key each copy goes to whichever partition the client picks
    sent = [producer.send(TOPIC, json.dumps(event).encode()) for _ in range(args.times)]
    for record in sent:
        print(f"{event['id']} is in partition {record.get(timeout=30).partition} of {TOPIC}", flush=True)
    producer.close()


if __name__ == "__main__":
    main()
