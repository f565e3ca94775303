package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokensTest {
  @TempDir Path directory;
  private final AtomicLong now = new AtomicLong();
  private Path file;
  private long written;

  @BeforeEach
  void name() {
    file = directory.resolve("tokens");
  }

  private void write(String... lines) throws IOException {
    Files.writeString(file, String.join("\n", lines));
    Files.setLastModifiedTime(file, FileTime.fromMillis(++written * 1000));
  }

  private Tokens open(String token) {
    return new Tokens(token, file, now::get);
  }

  @Test
  void shouldKnowEachByItsToken() throws IOException {
    write(
        "# the team",
        Tokens.line("anna", Role.VIEWER, "a-long-one"),
        "",
        Tokens.line("ben", Role.SUBMITTER, "another"));
    Tokens tokens = open("the first");
    assertThat(tokens.caller("the first")).contains(new Tokens.Caller("token", Role.ADMIN));
    assertThat(tokens.caller("a-long-one")).contains(new Tokens.Caller("anna", Role.VIEWER));
    assertThat(tokens.caller("another")).contains(new Tokens.Caller("ben", Role.SUBMITTER));
    assertThat(tokens.caller("")).isEmpty();
    assertThat(tokens.caller("a-long-on")).isEmpty();
    assertThat(Files.readString(file)).doesNotContain("a-long-one").doesNotContain("another");
  }

  @Test
  void shouldBeOpenOnlyWithoutAny() throws IOException {
    assertThat(RestSecurity.of("").isOpen()).isTrue();
    assertThat(RestSecurity.of("x").isOpen()).isFalse();
    write();
    assertThat(new RestSecurity("", file, null, null).isOpen()).isFalse();
    assertThat(open("").caller("")).as("an empty file lets nobody in").isEmpty();
  }

  @Test
  void shouldReadAFileThatChangedAndKeepWhatItKnowsWhenThatIsWrong() throws IOException {
    write(Tokens.line("anna", Role.VIEWER, "one"));
    Tokens tokens = open("");
    write(Tokens.line("anna", Role.VIEWER, "two"));
    assertThat(tokens.caller("two")).as("it looks once a second").isEmpty();
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(tokens.caller("two")).isPresent();
    assertThat(tokens.caller("one")).isEmpty();
    write("anna viewer");
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(tokens.caller("two")).isPresent();
  }

  @Test
  void shouldSayWhichLineIsWrongAndRepeatNothingOfIt() throws IOException {
    assertThatThrownBy(() -> open("")).isInstanceOf(UncheckedIOException.class);
    write("", "anna viewer");
    refuses("line 2: 2 words; allowed are 3: NAME ROLE SHA256");
    write("anna owner " + "0".repeat(64));
    refuses("line 1: 'owner' is no role; allowed are viewer, submitter, admin");
    write("anna viewer my-secret-token");
    refuses("line 1: the third word is no SHA-256 in hexadecimal");
  }

  private void refuses(String reason) {
    assertThatThrownBy(() -> open(""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason)
        .hasMessageNotContaining("secret");
  }

  @Test
  void shouldOrderRoles() {
    assertThat(Role.ADMIN.mayActAs(Role.SUBMITTER)).isTrue();
    assertThat(Role.VIEWER.mayActAs(Role.VIEWER)).isTrue();
    assertThat(Role.VIEWER.mayActAs(Role.SUBMITTER)).isFalse();
    assertThat(Role.SUBMITTER.mayActAs(Role.ADMIN)).isFalse();
    assertThat(Role.neededFor("GET")).isEqualTo(Role.VIEWER);
    assertThat(Role.neededFor("POST")).isEqualTo(Role.SUBMITTER);
    assertThat(Role.neededFor("DELETE")).isEqualTo(Role.ADMIN);
    assertThat(Role.neededFor("PROPFIND")).isEqualTo(Role.ADMIN);
  }

  @Test
  void shouldLimitEachAddressByItself() {
    RateLimit limit = new RateLimit(2, 3, now::get);
    for (int i = 0; i < 3; i++) {
      assertThat(limit.allows("a")).isTrue();
    }
    assertThat(limit.allows("a")).isFalse();
    assertThat(limit.allows("b")).isTrue();
    now.addAndGet(Duration.ofMillis(500).toNanos());
    assertThat(limit.allows("a")).isTrue();
    assertThat(limit.allows("a")).isFalse();
    now.addAndGet(Duration.ofHours(1).toNanos());
    for (int i = 0; i < 3; i++) {
      assertThat(limit.allows("a")).isTrue();
    }
    assertThat(limit.allows("a")).as("a burst is no more than that").isFalse();
  }
}
