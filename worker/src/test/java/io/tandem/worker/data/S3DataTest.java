package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.job.DataSpec.Format;
import io.tandem.worker.storage.StoreException;
import io.tandem.worker.storage.TestStore;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every layout, read from objects as from files. */
class S3DataTest {
  private static final int SIDE = 32;
  private static final int CLASSES = 3;
  @TempDir Path objects;
  @TempDir Path files;
  private TestStore store;

  @BeforeEach
  void start() throws Exception {
    store = TestStore.start(objects);
  }

  @AfterEach
  void stop() throws Exception {
    store.close();
  }

  private void make(Format format) throws IOException {
    switch (format) {
      case FOLDER, CSV -> new PictureGenerator(5, CLASSES, 2, 4, 1, SIDE).write(files, format, 1);
      case TAR -> {
        tar("train-0", 6);
        tar("train-1", 4);
        tar("test-0", 3);
      }
      case IDX -> {
        idx("train", 7);
        idx("t10k", 4);
      }
      case CIFAR10 -> {
        Files.write(files.resolve("data_batch_1.bin"), records(5));
        Files.write(files.resolve("test_batch.bin"), records(2));
      }
    }
  }

  private void tar(String name, int count) throws IOException {
    Path pictures = files.resolve("../" + files.getFileName() + "-" + name);
    new PictureGenerator(count, CLASSES, 2, 1, 1, SIDE).write(pictures, Format.CSV, 1);
    try (OutputStream out = Files.newOutputStream(files.resolve(name + ".tar"));
        TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
      for (int i = 0; i < count; i++) {
        Path picture = pictures.resolve("train").resolve("%06d.jpg".formatted(i));
        TarPictures.add(tar, "%04d.jpg".formatted(i), Files.readAllBytes(picture));
        TarPictures.add(tar, "%04d.cls".formatted(i), ("" + i % CLASSES).getBytes());
      }
    }
  }

  private void idx(String prefix, int count) throws IOException {
    ByteBuffer images = ByteBuffer.allocate(16 + count * SIDE * SIDE);
    images.putInt(0x803).putInt(count).putInt(SIDE).putInt(SIDE);
    Files.write(files.resolve(prefix + "-images-idx3-ubyte"), images.array());
    ByteBuffer labels = ByteBuffer.allocate(8 + count).putInt(0x801).putInt(count);
    Files.write(files.resolve(prefix + "-labels-idx1-ubyte"), labels.array());
  }

  private static byte[] records(int count) {
    byte[] records = new byte[count * 3073];
    for (int i = 0; i < records.length; i++) {
      records[i] = (byte) (i % 3073 == 0 ? 1 : i);
    }
    return records;
  }

  private static List<String> told(ImageSource source) throws Exception {
    String[] all = new String[source.count()];
    for (int i = 0; i < all.length; i++) {
      all[i] = source.name(i) + source.label(i) + Arrays.hashCode(source.decode(i));
    }
    return List.of(all);
  }

  @ParameterizedTest
  @EnumSource(Format.class)
  void shouldReadTheSameAsFromFiles(Format format) throws Exception {
    make(format);
    Path there = store.path("data/set");
    store.upload(files, there);
    int channels = format == Format.IDX ? 1 : 3;
    var spec = Specs.of(format, files, SIDE, channels, CLASSES, 0);
    DataSet expected = DataSet.open(spec);
    DataSet actual = DataSet.open(there, spec);
    assertThat(told(actual.train())).isEqualTo(told(expected.train())).hasSizeGreaterThan(4);
    assertThat(told(actual.test())).isEqualTo(told(expected.test())).isNotEmpty();
  }

  @Test
  void shouldTellAMissingPictureFromAStoreThatFails() throws Exception {
    make(Format.CSV);
    Path there = store.path("data/set");
    store.upload(files, there);
    var spec = Specs.of(Format.CSV, files, SIDE, 3, CLASSES, 0);
    DataSet opened = DataSet.open(store.hastyPath("data/set"), spec);
    Files.delete(there.resolve(opened.train().name(1)));
    assertThatThrownBy(() -> opened.train().decode(1))
        .isInstanceOf(UnreadableImageException.class)
        .hasMessage("the file is missing");
    store.relay().fallSilent();
    assertThatThrownBy(() -> opened.train().decode(0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("s3://tandem-test/data/set/" + opened.train().name(0))
        .hasMessageContaining("no answer in time")
        .matches(StoreException::temporary);
    assertThatThrownBy(() -> DataSet.open(store.hastyPath("data/set"), spec))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no answer in time")
        .matches(StoreException::temporary);
  }

  @Test
  void shouldSayThatThereIsNoSuchPrefix() {
    var spec = Specs.of(Format.CSV, files, SIDE, 3, CLASSES, 0);
    assertThatThrownBy(() -> DataSet.open(store.path("nowhere"), spec))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("s3://tandem-test/nowhere does not exist")
        .matches(failure -> !StoreException.temporary(failure));
  }
}
