package io.tandem.deploy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Answers like a coordinator, with what a test has put there; the last answer of a path stays. */
final class StubServer implements AutoCloseable {
  /** In place of a status: the connection breaks before the answer. */
  static final int LOST = 0;

  /** What came in. */
  record Call(
      String method, String path, String query, String body, String authorization, String key) {}

  private record Answer(int status, String body) {}

  final List<Call> calls = new CopyOnWriteArrayList<>();
  private final Map<String, List<Answer>> answers = new ConcurrentHashMap<>();
  private final HttpServer server;

  StubServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          String authorization = exchange.getRequestHeaders().getFirst("Authorization");
          String query = exchange.getRequestURI().getQuery();
          String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
          calls.add(new Call(exchange.getRequestMethod(), path, query, body, authorization, key));
          List<Answer> list =
              answers.getOrDefault(exchange.getRequestMethod() + " " + path, List.of());
          Answer answer =
              list.isEmpty()
                  ? new Answer(404, "{\"title\":\"no such thing\"}")
                  : list.size() == 1 ? list.get(0) : list.remove(0);
          if (answer.status() == LOST) {
            exchange.close();
            return;
          }
          if (answer.status() == 503) {
            exchange.getResponseHeaders().set("Retry-After", "1");
          }
          byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(answer.status(), bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
  }

  StubServer answer(String call, int status, String body) {
    answers.computeIfAbsent(call, c -> new CopyOnWriteArrayList<>()).add(new Answer(status, body));
    return this;
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
