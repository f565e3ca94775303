package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.DataSpec.Format;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarShardsTest {
  private static final int SIDE = 32;

  @TempDir Path directory;
  private Path pictures;
  private Path shards;

  @BeforeEach
  void write() throws IOException {
    pictures = directory.resolve("pictures");
    shards = Files.createDirectory(directory.resolve("shards"));
    new PictureGenerator(5, 3, 2, 4, 1, SIDE).write(pictures, Format.CSV, 1);
    try (Shard one = new Shard("train-000.tar");
        Shard two = new Shard("train-001.tar");
        Shard test = new Shard("test-000.tar")) {
      for (int i = 0; i < 6; i++) {
        Shard shard = i < 4 ? one : two;
        String key = "some/" + "long/".repeat(30) + i;
        shard.add(key + ".cls", (i % 3 + "\n").getBytes(StandardCharsets.US_ASCII));
        shard.add(key + ".jpg", picture("train", i));
        shard.add(key + ".json", new byte[700]);
      }
      for (int i = 0; i < 4; i++) {
        two.add("u" + i + ".jpg", picture("unlabeled", i));
      }
      for (int i = 0; i < 3; i++) {
        test.add(i + ".JPEG", picture("test", i));
        test.add(i + ".cls", new byte[] {(byte) ('0' + i)});
      }
    }
  }

  private byte[] picture(String split, int number) throws IOException {
    return Files.readAllBytes(pictures.resolve(String.format("%s/%06d.jpg", split, number)));
  }

  private final class Shard implements AutoCloseable {
    private final TarArchiveOutputStream out;

    Shard(String name) throws IOException {
      OutputStream file = Files.newOutputStream(shards.resolve(name));
      out = new TarArchiveOutputStream(file, "UTF-8");
      out.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
    }

    void add(String name, byte[] bytes) throws IOException {
      TarPictures.add(out, name, bytes);
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }

  private static DataSpec spec(Format format, Path path) {
    return Specs.of(format, path, SIDE, 3, 3, 0);
  }

  private DataSet open() {
    return DataSet.open(spec(Format.TAR, shards));
  }

  @Test
  void shouldHoldTheSamePicturesAsTheirFiles() throws Exception {
    DataSet expected = DataSet.open(spec(Format.CSV, pictures));
    DataSet opened = open();
    for (ImageSource[] pair :
        new ImageSource[][] {
          {expected.train(), opened.train()}, {expected.test(), opened.test()}
        }) {
      assertThat(pair[1].count()).isEqualTo(pair[0].count());
      for (int i = 0; i < pair[0].count(); i++) {
        assertThat(pair[1].label(i)).as("label %d", i).isEqualTo(pair[0].label(i));
        assertThat(pair[1].decode(i)).as("pixels %d", i).isEqualTo(pair[0].decode(i));
      }
    }
    assertThat(opened.train().name(4)).startsWith("train-001.tar/some/long/").endsWith("/4.jpg");
  }

  @Test
  void shouldNumberSamplesTheSameOnEveryWorker() {
    ImageSource again = open().train();
    assertThat(IntStream.range(0, 10).mapToObj(open().train()::name))
        .isEqualTo(IntStream.range(0, 10).mapToObj(again::name).toList());
  }

  @Test
  void shouldSayWhatIsWrong() throws IOException {
    try (Shard shard = new Shard("train-002.tar")) {
      shard.add("a.jpg", new byte[4]);
      shard.add("a.cls", "3".getBytes(StandardCharsets.US_ASCII));
    }
    refuses(this::open, "train-002.tar/a.cls is 3, allowed are 0..2");
    try (Shard shard = new Shard("train-002.tar")) {
      shard.add("a.jpg", new byte[4]);
      shard.add("a.cls", "rose".getBytes(StandardCharsets.US_ASCII));
    }
    refuses(this::open, "train-002.tar/a.cls is 'rose', a class is a number from 0 to 2");
    try (Shard shard = new Shard("train-002.tar")) {
      shard.add("a.jpg", new byte[4]);
      shard.add("a.png", new byte[4]);
    }
    refuses(this::open, "train-002.tar holds a twice");
    Files.write(shards.resolve("train-002.tar"), "no archive".repeat(100).getBytes());
    refuses(this::open, "train-002.tar is no whole tar archive");
    Files.delete(shards.resolve("train-002.tar"));
    try (Shard shard = new Shard("test-001.tar")) {
      shard.add("a.jpg", new byte[4]);
    }
    refuses(this::open, "test-001.tar/a.jpg is a test image and has no .cls");
    Files.delete(shards.resolve("test-001.tar"));
    Files.delete(shards.resolve("test-000.tar"));
    refuses(this::open, "holds no test*.tar");
  }

  private static void refuses(ThrowingCallable opening, String reason) {
    assertThatThrownBy(opening).isInstanceOf(DataException.class).hasMessageContaining(reason);
  }

  @Test
  void shouldRefuseATruncatedArchiveOrItsPicture() throws IOException {
    Path shard = shards.resolve("train-001.tar");
    byte[] whole = Files.readAllBytes(shard);
    DataSet opened = open();
    Files.write(shard, Arrays.copyOf(whole, 4000));
    assertThatThrownBy(() -> opened.train().decode(9))
        .isInstanceOf(UnreadableImageException.class)
        .hasMessageContaining("the archive ends before it");
    refuses(this::open, "train-001.tar is no whole tar archive");
  }
}
