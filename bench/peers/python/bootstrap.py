"""The Runtime API's loop, in place of Lambda's own client, which does more and is slower."""

import http.client
import json
import os
import time
import traceback

from function import handler


class Context:
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
        self.deadline_ms = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self.deadline_ms - int(time.time() * 1000))


connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    connection.request(method, f"/2018-06-01/runtime/invocation/{path}", body)
    answer = connection.getresponse()
    return answer.headers, answer.read()


while True:
    headers, event = call("GET", "next")
    context = Context(headers)
    try:
        call("POST", f"{context.aws_request_id}/response", json.dumps(handler(json.loads(event), context)))
    except Exception as error:
        document = {"errorType": type(error).__name__, "errorMessage": traceback.format_exc()}
        call("POST", f"{context.aws_request_id}/error", json.dumps(document))
