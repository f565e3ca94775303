package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Signs certificates by openssl. */
final class TestAuthority {
  private final Path directory;

  /** A new one, with its files below a directory of its own. */
  TestAuthority(Path directory) throws Exception {
    this.directory = Files.createDirectories(directory);
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt");
  }

  static boolean isPossible() {
    return Arrays.stream(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "openssl")));
  }

  /** Writes a key and a certificate of that common name, for this host. */
  void sign(String file, String name) throws Exception {
    Files.writeString(
        directory.resolve("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:" + name);
    openssl("req -newkey rsa:2048 -nodes -subj /CN=" + name + " -keyout F.key -out F.csr", file);
    openssl(
        "x509 -req -in F.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out F.crt",
        file);
  }

  Path file(String name) {
    return directory.resolve(name);
  }

  /** The control plane's settings for a process with that pair. */
  Map<String, String> controlPlane(String file) {
    return Map.of(
        "TANDEM_CONTROL_CERTIFICATE", file(file + ".crt").toString(),
        "TANDEM_CONTROL_KEY", file(file + ".key").toString(),
        "TANDEM_CONTROL_AUTHORITY", file("ca.crt").toString());
  }

  private void openssl(String arguments, String file) throws Exception {
    openssl(arguments.replaceAll("\\bF\\.", file + "."));
  }

  private void openssl(String arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments.split(" ")));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(String.join(" ", command) + "\n" + said).isZero();
  }
}
