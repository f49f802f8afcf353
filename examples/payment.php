<?php
// Takes a payment, then refunds a part of it: PHP 8 or later, no extensions. README.md says how to run it.
declare(strict_types=1);

define('SETTINGS', getenv() + [
    'BASE_URL' => 'http://127.0.0.1:3000', 'KEY' => 'pk_test_demo', 'SECRET' => 'sk_test_demo', 'PORT' => '9911',
]);

function call(string $method, string $path, ?array $body = null, string ...$more): ?array
{
    ['BASE_URL' => $base, 'KEY' => $key, 'SECRET' => $secret] = SETTINGS;
    $credentials = base64_encode("$key:$secret");
    $headers = ["Authorization: Basic $credentials", 'Content-Type: application/json', ...$more];
    $content = $body === null ? '' : json_encode($body);
    $http = ['method' => $method, 'header' => $headers, 'content' => $content, 'ignore_errors' => true];
    $answer = @fopen($base . $path, 'r', false, stream_context_create(['http' => $http]))
        ?: throw new RuntimeException("$base can't be reached");
    $status = (int) explode(' ', stream_get_meta_data($answer)['wrapper_data'][0])[1];
    $text = stream_get_contents($answer);
    return $status < 300 ? json_decode($text, true)
        : throw new RuntimeException("$method $path was answered with $status: $text");
}

// Whether a webhook is genuine and at most 5 minutes old. Standard Webhooks' header has a signature for each secret
// while one is being replaced; `Banked-Signature` has room for one, the one before.
function isGenuine(array $headers, string $body, string $secret): bool
{
    [$id, $timestamp] = [$headers['webhook-id'] ?? '', $headers['webhook-timestamp'] ?? ''];
    $key = base64_decode(substr($secret, strlen('whsec_')));
    $right = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    $same = array_filter(explode(' ', $headers['webhook-signature'] ?? ''), fn ($one) => hash_equals($right, $one));
    return $same !== [] && abs(time() - (int) $timestamp) <= 300;
}

function receive($server, string $secret): array
{
    $connection = @stream_socket_accept($server, 3600) ?: throw new RuntimeException('nobody paid within an hour');
    stream_set_timeout($connection, 5); // seconds, for what it doesn't send
    $headers = [];
    while (($line = trim((string) fgets($connection))) !== '') {
        [$name, $value] = explode(':', $line, 2) + ['', ''];
        $headers[strtolower($name)] = trim($value);
    }
    $body = stream_get_contents($connection, (int) ($headers['content-length'] ?? 0));
    $genuine = isGenuine($headers, $body, $secret);
    @fwrite($connection, 'HTTP/1.1 ' . ($genuine ? '204 No Content' : '400 Bad Request') . "\r\nConnection: close\r\n\r\n");
    fclose($connection);
    return $genuine ? json_decode($body, true) : ['type' => 'what we did not send'];
}

try {
    ['PORT' => $port] = SETTINGS;
    $server = preg_match('/^[0-9]{1,5}$/D', $port) && $port < 65536
        ? @stream_socket_server("tcp://127.0.0.1:$port", $number, $why) : null;
    $server ?: throw new RuntimeException("can't listen on port $port: " . ($why ?? 'it is no number below 65536'));
    $hooks = 'http://' . stream_socket_get_name($server, false) . '/hooks';
    $endpoint = call('POST', '/v2/webhooks', ['url' => $hooks, 'events' => ['payment_session.sent']]);
    try {
        echo "Webhooks come to $hooks\n";

        // The key is the order's own: sent again, it is the same session.
        $order = uniqid('order-');
        $session = call('POST', '/v2/payment_sessions', [
            'reference' => 'Candles',
            'line_items' => [['name' => 'Candles', 'amount' => 100, 'currency' => 'GBP', 'quantity' => 4]],
            'payee' => ['name' => 'Gerald Wiley', 'account_number' => '12345678', 'sort_code' => '010203'],
            'payer' => ['name' => 'Ada Payer', 'email' => 'ada@example.com'],
        ], "Idempotency-Key: $order");
        echo "Pay at {$session['url']}\n";

        do {
            $event = receive($server, $endpoint['secret']);
            echo "Received {$event['type']}\n";
        } while ($event['type'] !== 'payment_session.sent' || $event['data']['id'] !== $session['id']);
    } finally {
        call('DELETE', "/v2/webhooks/{$endpoint['id']}");
    }

    // The key is the session's own: however often this is sent, it is one refund.
    $part = ['payment_session_id' => $session['id'], 'amount' => 150, 'reference' => 'Candles refund'];
    $refund = call('POST', '/v2/refunds', $part, "Idempotency-Key: refund-{$session['id']}");
    echo "Refunded {$refund['amount_formatted']}, {$refund['state']}\n";
} catch (RuntimeException $error) {
    fwrite(STDERR, "Failed: {$error->getMessage()}\n");
    exit(1);
}
