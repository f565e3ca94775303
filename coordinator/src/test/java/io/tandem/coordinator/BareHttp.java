package io.tandem.coordinator;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** HTTP over a bare socket: what no client would send, too. */
final class BareHttp {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int TIMEOUT_MILLIS = 20_000;
  private static final Pattern LENGTH = Pattern.compile("Content-Length: (\\d+)");

  private BareHttp() {}

  /** What a request is made of. */
  record Request(
      String method, byte[] target, byte[] authorization, List<byte[]> headers, byte[] body) {
    static Request plain(String method, String target, String authorization, String body) {
      return new Request(
          method,
          target.getBytes(UTF_8),
          authorization.getBytes(UTF_8),
          List.of(),
          body.getBytes(UTF_8));
    }

    Request with(String header) {
      return new Request(method, target, authorization, List.of(header.getBytes(UTF_8)), body);
    }

    byte[] bytes() {
      var out = new ByteArrayOutputStream();
      out.writeBytes((method + " ").getBytes(UTF_8));
      out.writeBytes(target);
      out.writeBytes(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".getBytes(UTF_8));
      out.writeBytes(("Content-Length: " + body.length + "\r\nAuthorization: ").getBytes(UTF_8));
      out.writeBytes(authorization);
      headers.forEach(
          header -> {
            out.writeBytes("\r\n".getBytes(UTF_8));
            out.writeBytes(header);
          });
      out.writeBytes("\r\n\r\n".getBytes(UTF_8));
      out.writeBytes(body);
      return out.toByteArray();
    }

    Answer ask(int port) throws IOException {
      return BareHttp.ask(port, bytes());
    }

    @Override
    public String toString() {
      String text = new String(bytes(), ISO_8859_1);
      return text.length() > 2000 ? text.substring(0, 2000) + "..." : text;
    }
  }

  /** What came back. */
  record Answer(int status, String head, String body) {
    /** As every mistake is. */
    void assertExplained() throws IOException {
      assertThat(head).contains("application/problem+json", "X-Content-Type-Options: nosniff");
      JsonNode problem = JSON.readTree(body);
      assertThat(problem.get("status").asInt()).isEqualTo(status);
      assertThat(problem.get("title").asText()).isNotBlank();
      assertThat(problem.get("detail").asText()).isNotBlank();
    }
  }

  /** An event stream is left as soon as it has begun: that of a waiting job has no end. */
  static Answer ask(int port, byte[] request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(TIMEOUT_MILLIS);
      socket.getOutputStream().write(request);
      var in = socket.getInputStream();
      var all = new ByteArrayOutputStream();
      int end = -1;
      while (end < 0) {
        int next = in.read();
        assertThat(next).as("the answer ended in its head: " + all).isNotNegative();
        all.write(next);
        end = all.toString(UTF_8).indexOf("\r\n\r\n");
      }
      String head = all.toString(UTF_8);
      int status = Integer.parseInt(head.substring(9, 12));
      boolean stream = head.contains("text/event-stream");
      Matcher length = LENGTH.matcher(head); // who cannot be understood may be left to close
      byte[] rest =
          stream || new String(request, ISO_8859_1).startsWith("HEAD ")
              ? new byte[0]
              : length.find()
                  ? in.readNBytes(Integer.parseInt(length.group(1)))
                  : in.readAllBytes();
      String body = new String(rest, UTF_8);
      return new Answer(status, head, body);
    } catch (SocketTimeoutException e) {
      String asked = new String(request, ISO_8859_1);
      throw new AssertionError(
          "no answer to " + asked.substring(0, Math.min(200, asked.length())), e);
    }
  }
}
