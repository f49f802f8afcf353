"""What is written without thinking of speed: stores the request's body by one PutItem, once per Idempotency-Key."""

import json
import os
import uuid

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent

TABLE_NAME = os.environ["TABLE_NAME"]
logger = Logger(service="peer")
table = boto3.resource("dynamodb").Table(TABLE_NAME)
persistence = DynamoDBPersistenceLayer(
    table_name=TABLE_NAME, key_attr="pk", sort_key_attr="sk", static_pk_value="PEER#idempotency", expiry_attr="ttl"
)
config = IdempotencyConfig(event_key_jmespath='headers."idempotency-key"', raise_on_no_idempotency_key=True)


@idempotent(persistence_store=persistence, config=config)
def handler(event, context):
    body = json.loads(event["body"])
    id = str(uuid.uuid4())
    table.put_item(
        Item={"pk": f"PEER#{id}", "sk": "PEER", "body": json.dumps(body)},
        ConditionExpression="attribute_not_exists(pk)",
    )
    logger.info("created", extra={"id": id})
    answer = json.dumps({"id": id, "body": body})
    return {"statusCode": 201, "headers": {"content-type": "application/json"}, "body": answer}
