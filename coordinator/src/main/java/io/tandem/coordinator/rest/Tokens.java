package io.tandem.coordinator.rest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may call: the one token of the settings, an administrator's, and those of a file of lines
 * {@code NAME ROLE SHA256}, the hash in hexadecimal, empty lines and # comments left out. Tokens
 * are long and random, so that one round of SHA-256 hides them. A file that changes is read again;
 * one that is then wrong is reported, and what was known stays. Thread-safe.
 */
final class Tokens {
  private static final Logger LOG = LoggerFactory.getLogger(Tokens.class);
  private static final long LOOK_NS = Duration.ofSeconds(1).toNanos();
  private static final int HASH_BYTES = 32;

  /** Who calls. */
  record Caller(String name, Role role) {}

  private record Entry(Caller caller, byte[] hash) {}

  private final List<Entry> own;
  private final Path file;
  private final LongSupplier clock;
  private List<Entry> ofFile = List.of();
  private FileTime modified;
  private long lookedNs;

  /**
   * As in the settings.
   *
   * @param token an administrator's; empty means none
   * @param file of more, or null
   * @throws IllegalArgumentException where the file is wrong; names the line
   * @throws UncheckedIOException where it cannot be read
   */
  Tokens(String token, Path file) {
    this(token, file, System::nanoTime);
  }

  Tokens(String token, Path file, LongSupplier clock) {
    this.own =
        token.isEmpty()
            ? List.of()
            : List.of(new Entry(new Caller("token", Role.ADMIN), hash(token)));
    this.file = file;
    this.clock = clock;
    if (file != null) {
      read();
      lookedNs = clock.getAsLong();
    }
  }

  /** Who sends that token; compares with every hash in constant time. */
  Optional<Caller> caller(String token) {
    byte[] given = hash(token);
    Caller found = null;
    for (List<Entry> entries : List.of(own, current())) {
      for (Entry entry : entries) {
        if (MessageDigest.isEqual(entry.hash(), given)) {
          found = entry.caller();
        }
      }
    }
    return Optional.ofNullable(found);
  }

  /** The line for a token file. */
  static String line(String name, Role role, String token) {
    return name + " " + role.label() + " " + HexFormat.of().formatHex(hash(token));
  }

  private synchronized List<Entry> current() {
    if (file != null && clock.getAsLong() - lookedNs >= LOOK_NS) {
      lookedNs = clock.getAsLong();
      try {
        if (!Files.getLastModifiedTime(file).equals(modified)) {
          read();
          LOG.info("read {} tokens from {}", ofFile.size(), file);
        }
      } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
        LOG.error("the tokens of {} stay as they were: {}", file, e.getMessage());
      }
    }
    return ofFile;
  }

  private void read() {
    List<String> lines;
    try {
      modified = Files.getLastModifiedTime(file);
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the token file " + file + " cannot be read: " + e, e);
    }
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        entries.add(entry(line, file + ", line " + (i + 1) + ": "));
      }
    }
    ofFile = List.copyOf(entries);
  }

  /** Never repeats the line: it may hold a token that somebody forgot to hash. */
  private static Entry entry(String line, String where) {
    String[] words = line.split("\\s+");
    if (words.length != 3) {
      throw new IllegalArgumentException(
          where + words.length + " words; allowed are 3: NAME ROLE SHA256");
    }
    try {
      byte[] hash = HexFormat.of().parseHex(words[2]);
      if (hash.length == HASH_BYTES) {
        return new Entry(new Caller(words[0], Role.of(words[1])), hash);
      }
    } catch (IllegalArgumentException e) {
      if (e.getMessage().contains("role")) {
        throw new IllegalArgumentException(where + e.getMessage(), e);
      }
    }
    throw new IllegalArgumentException(
        where + "the third word is no SHA-256 in hexadecimal; `tandem token` makes such lines");
  }

  private static byte[] hash(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256", e);
    }
  }
}
