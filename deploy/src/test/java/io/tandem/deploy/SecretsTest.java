package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What looks for secrets finds them. */
class SecretsTest {
  private static final String SECRET = "a-secret-of-ours";

  @TempDir Path directory;

  private static Secrets secrets() {
    return new Secrets().and("the secret", SECRET);
  }

  @Test
  void shouldFindASecretHoweverItIsWritten() throws Exception {
    Path file = directory.resolve("some.log");
    byte[] bytes = SECRET.getBytes();
    for (String written :
        List.of(
            SECRET,
            HexFormat.of().formatHex(bytes),
            Base64.getEncoder().encodeToString(bytes),
            Arrays.toString(bytes))) {
      Files.writeString(file, "the key is " + written + "!");
      Secrets secrets = secrets().lookBelow(directory);
      assertThatThrownBy(secrets::assertNoneSeen).hasMessageContaining("the secret in " + file);
    }
    Files.writeString(file, "the key is ***");
    Secrets secrets = secrets().lookBelow(directory);
    assertThatCode(secrets::assertNoneSeen).doesNotThrowAnyException();
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, disabledReason = "looks at processes below /proc")
  void shouldFindASecretOnACommandLine() throws Exception {
    try (TandemProcess process =
        TandemProcess.start(
            directory,
            "sh",
            Map.of("KEY", SECRET),
            List.of("sh", "-c", "echo up; read x", SECRET))) {
      process.await("up");
      Secrets secrets = secrets();
      secrets.assertGiven("the secret", process);
      secrets.lookAt(List.of(process));
      assertThatThrownBy(secrets::assertNoneSeen).hasMessageContaining("cmdline");
    }
  }
}
