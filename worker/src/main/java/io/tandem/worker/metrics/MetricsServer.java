package io.tandem.worker.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.tandem.protocol.metrics.Meters;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Answers {@code GET /metrics} with the meters in Prometheus' text format, and {@code GET /ready}
 * once it is told of whose readiness it speaks; on one daemon thread.
 */
public final class MetricsServer implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService thread;
  private volatile Supplier<String> obstacle;

  /**
   * Binds and starts.
   *
   * @param port 0 takes a free one
   * @throws IOException when the port is taken or the host is not this machine's
   */
  public MetricsServer(Meters meters, String host, int port) throws IOException {
    try {
      server = HttpServer.create(new InetSocketAddress(host, port), 0);
    } catch (IOException e) {
      throw new IOException(
          "metrics cannot be served on %s:%d (%s): choose another port, or 0 for any free one"
              .formatted(host, port, e.getMessage()),
          e);
    }
    thread =
        Executors.newSingleThreadExecutor(
            task -> {
              var daemon = new Thread(task, "metrics-http");
              daemon.setDaemon(true);
              return daemon;
            });
    server.setExecutor(thread);
    server.createContext("/", exchange -> handle(exchange, meters));
    server.start();
  }

  /** Where it listens. */
  public int port() {
    return server.getAddress().getPort();
  }

  /** Answers {@code /ready} from now on: 200, or 503 with the obstacle where that is not empty. */
  public void readiness(Supplier<String> given) {
    obstacle = given;
  }

  @Override
  public void close() {
    server.stop(0);
    thread.shutdownNow();
  }

  private void handle(HttpExchange exchange, Meters meters) throws IOException {
    try (exchange) {
      Supplier<String> asked = obstacle;
      String path = exchange.getRequestURI().getPath();
      boolean readiness = path.equals("/ready") && asked != null;
      if (!readiness && !path.equals("/metrics")) {
        exchange.sendResponseHeaders(404, -1);
      } else if (!exchange.getRequestMethod().equals("GET")) {
        exchange.getResponseHeaders().set("Allow", "GET");
        exchange.sendResponseHeaders(405, -1);
      } else if (readiness) {
        String reason = asked.get();
        answer(
            exchange,
            reason.isEmpty() ? 200 : 503,
            "text/plain; charset=utf-8",
            reason.isEmpty() ? "up" : reason);
      } else {
        answer(exchange, 200, Meters.CONTENT_TYPE, meters.scrape());
      }
    }
  }

  private static void answer(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }
}
