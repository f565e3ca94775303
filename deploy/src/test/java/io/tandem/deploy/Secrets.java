package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a cluster under test must keep to itself, and the places where others could read it: what
 * its processes print and write, what {@code ps} shows of them, what REST answers. Looks for the
 * bytes as they are, and as hexadecimal, Base64 and Java's lists of numbers.
 */
final class Secrets {
  /** All that is told of a job, and of the cluster. */
  private static final List<String> VIEWS =
      List.of(
          "/v1/jobs",
          "/v1/jobs/{id}",
          "/v1/jobs/{id}/file",
          "/v1/jobs/{id}/events",
          "/v1/jobs/{id}/logs",
          "/v1/jobs/{id}/metrics",
          "/v1/jobs/{id}/curves",
          "/v1/jobs/{id}/ranks",
          "/v1/jobs/{id}/checkpoints",
          "/v1/workers",
          "/metrics");

  private final Map<String, List<String>> forms = new LinkedHashMap<>();
  private final List<String> found = new ArrayList<>();

  /** A word, such as a token or a password. */
  Secrets and(String name, String secret) {
    return and(name, secret.getBytes(StandardCharsets.UTF_8));
  }

  /** A key. */
  Secrets and(String name, byte[] secret) {
    assertThat(secret).as(name).hasSizeGreaterThanOrEqualTo(8);
    String hex = HexFormat.of().formatHex(secret);
    forms.put(
        name,
        List.of(
            new String(secret, StandardCharsets.ISO_8859_1),
            hex,
            hex.toUpperCase(),
            Base64.getEncoder().withoutPadding().encodeToString(secret),
            Base64.getUrlEncoder().withoutPadding().encodeToString(secret),
            Arrays.toString(secret)));
    return this;
  }

  /** A private key in PEM; its third line is of the key alone. */
  Secrets andKey(Path file) throws IOException {
    return and(file.toString(), Files.readAllLines(file).get(2));
  }

  /** Those processes were given it in their environments, which nobody else may read. */
  void assertGiven(String name, TandemProcess... processes) throws IOException {
    for (TandemProcess process : processes) {
      Path environment = Path.of("/proc/" + process.pid() + "/environ");
      assertThat(text(environment)).as(name).contains(forms.get(name).get(0));
      assertThat(Files.getPosixFilePermissions(environment))
          .isEqualTo(PosixFilePermissions.fromString("r--------"));
    }
  }

  /** In nothing below that directory, but in keys and in what {@code tandem token} printed. */
  Secrets lookBelow(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(directory)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (!name.endsWith(".key") && !(name.startsWith("token") && name.endsWith(".out"))) {
        look(file.toString(), text(file));
      }
    }
    return this;
  }

  /** In nothing that {@code ps} shows of them, and of processes that they have started. */
  Secrets lookAt(List<TandemProcess> processes) throws IOException {
    for (TandemProcess process : processes) {
      for (ProcessHandle one : process.family().toList()) {
        Path home = Path.of("/proc/" + one.pid());
        look(home.resolve("cmdline").toString(), text(home.resolve("cmdline")));
        look(home.resolve("status").toString(), text(home.resolve("status")));
        if (Files.isDirectory(home.resolve("task"))) {
          try (Stream<Path> threads = Files.list(home.resolve("task"))) {
            for (Path thread : threads.toList()) {
              look(thread.toString(), text(thread.resolve("comm")));
            }
          }
        }
      }
    }
    return this;
  }

  /** In nothing that REST tells of the cluster and that job. */
  Secrets ask(String server, String token, String job) throws Exception {
    for (String view : VIEWS) {
      String path = view.replace("{id}", job);
      HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server + path));
      if (!token.isEmpty()) {
        request.header("Authorization", "Bearer " + token);
      }
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(request.build(), BodyHandlers.ofString(StandardCharsets.ISO_8859_1));
      assertThat(answer.statusCode()).as(path).isEqualTo(200);
      look(path, answer.body());
    }
    return this;
  }

  /** Tells of all that was found. */
  void assertNoneSeen() {
    assertThat(found).isEmpty();
  }

  private void look(String where, String text) {
    forms.forEach(
        (name, written) -> {
          if (written.stream().anyMatch(text::contains)) {
            found.add(name + " in " + where);
          }
        });
  }

  /** Byte by byte; empty where a process or its file is gone meanwhile. */
  private static String text(Path file) throws IOException {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      if (Files.exists(file)) {
        throw e;
      }
      return "";
    }
  }
}
