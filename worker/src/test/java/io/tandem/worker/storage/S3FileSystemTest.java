package io.tandem.worker.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class S3FileSystemTest {
  @TempDir static Path directory;
  private static TestStore store;

  @BeforeAll
  static void start() throws Exception {
    store = TestStore.start(directory);
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
  }

  static void write(Path file, byte[] bytes) throws IOException {
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes));
      channel.force(true);
    }
  }

  private static byte[] bytes(int count) {
    var bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_536, S3Writer.PART_BYTES, S3Writer.PART_BYTES + 1, 20_000_003})
  void shouldReadWhatWasWritten(int count) throws IOException {
    var file = store.path("written/" + count);
    write(file, bytes(count));
    assertThat(Files.size(file)).isEqualTo(count);
    assertThat(Files.readAllBytes(file)).isEqualTo(bytes(count));
    try (var in = Files.newInputStream(file)) {
      assertThat(in.readAllBytes()).isEqualTo(bytes(count));
    }
    assertThat(store.uploads()).isZero();
  }

  @Test
  void shouldReadAnyRange() throws IOException {
    var all = bytes(3_000_000);
    var file = store.path("range/file");
    write(file, all);
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var random = new Random(1);
      for (int i = 0; i < 40; i++) {
        int at = random.nextInt(all.length);
        var into = ByteBuffer.allocate(1 + random.nextInt(200_000));
        int read = 0;
        while (into.hasRemaining() && read >= 0) {
          read = channel.read(into, at + into.position());
        }
        assertThat(Arrays.copyOf(into.array(), into.position()))
            .isEqualTo(Arrays.copyOfRange(all, at, at + into.position()));
        assertThat(into.hasRemaining()).isEqualTo(at + into.capacity() > all.length);
      }
      assertThat(channel.read(ByteBuffer.allocate(1), all.length)).isEqualTo(-1);
      assertThat(channel.size()).isEqualTo(all.length);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 2 * S3Writer.PART_BYTES})
  void shouldLeaveNothingOfWhatIsNotForced(int count) throws IOException {
    var file = store.path("unfinished/" + count);
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes(count)));
    }
    assertThat(Files.exists(file)).isFalse();
    assertThat(store.uploads()).isZero();
  }

  @Test
  void shouldListAndRemoveWhatIsInADirectory() throws IOException {
    var home = store.path("list");
    for (var name : List.of("b/x", "a", "b/y/z", "bc")) {
      write(home.resolve(name), bytes(3));
    }
    try (var all = Files.list(home)) {
      assertThat(all.map(Path::toString).sorted())
          .containsExactly(home + "/a", home + "/b", home + "/bc");
    }
    assertThat(Files.isDirectory(home.resolve("b"))).isTrue();
    assertThat(Files.isRegularFile(home.resolve("a"))).isTrue();
    assertThat(Files.exists(home.resolve("c"))).isFalse();
    try (var some = Files.newDirectoryStream(home, "b*")) {
      assertThat(StreamSupport.stream(some.spliterator(), false)).hasSize(2);
    }
    Storage.delete(home.resolve("b"));
    assertThat(store.objects()).contains("list/a", "list/bc").doesNotContain("list/b/x");
    Files.delete(home.resolve("a"));
    assertThatThrownBy(() -> Files.readAllBytes(home.resolve("a")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage("s3://tandem-test/list/a");
  }

  @ParameterizedTest
  @CsvSource({
    "s3://bucket, s3://bucket/, ",
    "s3://bucket/, s3://bucket/, ",
    "s3://bucket/a//b/, s3://bucket/a/b, s3://bucket/a",
    "a/b, a/b, a",
    "a, a, "
  })
  void shouldKnowPathsByTheirText(String text, String expected, String parent) {
    var system = store.path("").getFileSystem();
    var path = system.getPath(text);
    assertThat(path.toString()).isEqualTo(expected);
    assertThat(path.getParent()).isEqualTo(parent == null ? null : system.getPath(parent));
    assertThat(path).isEqualTo(system.getPath(expected));
  }

  @Test
  void shouldResolveAndCompare() {
    var home = store.path("a/b");
    assertThat(home.resolve("c/d").toString()).isEqualTo("s3://tandem-test/a/b/c/d");
    assertThat(home.resolveSibling("x").toString()).isEqualTo("s3://tandem-test/a/x");
    assertThat(home.relativize(home.resolve("c/d")).toString()).isEqualTo("c/d");
    assertThat(home.resolve("../x/./y").normalize().toString()).isEqualTo("s3://tandem-test/a/x/y");
    assertThat(home.endsWith("b")).isTrue();
    assertThat(home.startsWith(store.path("a"))).isTrue();
    assertThat(home.startsWith(store.path("b"))).isFalse();
    assertThat(home.toUri().toString()).isEqualTo("s3://tandem-test/a/b");
    assertThatThrownBy(() -> home.getFileSystem().getPath("s3://"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("names no bucket");
  }

  @Test
  void shouldRefuseWhatAnObjectStoreCannotDo() {
    var file = store.path("x");
    assertThatThrownBy(() -> Files.move(file, store.path("y"), StandardCopyOption.ATOMIC_MOVE))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Files.write(file, new byte[1]))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("forced");
    assertThatThrownBy(
            () -> FileChannel.open(file, StandardOpenOption.READ).write(ByteBuffer.allocate(1)))
        .isInstanceOf(UnsupportedOperationException.class);
  }
}
