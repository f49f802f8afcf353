// What is written without thinking of speed: stores the request's body by one PutItem.
import { randomUUID } from "node:crypto";
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient();

export async function handler(event) {
  const body = JSON.parse(event.body);
  const id = randomUUID();
  await client.send(
    new PutItemCommand({
      TableName: process.env.TABLE_NAME,
      Item: { pk: { S: `PEER#${id}` }, sk: { S: "PEER" }, body: { S: JSON.stringify(body) } },
      ConditionExpression: "attribute_not_exists(pk)",
    }),
  );
  console.log(JSON.stringify({ level: "info", message: "created", id }));
  return { statusCode: 201, headers: { "content-type": "application/json" }, body: JSON.stringify({ id, body }) };
}
