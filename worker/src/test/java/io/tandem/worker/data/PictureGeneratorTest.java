package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.job.DataSpec.Format;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureGeneratorTest {
  @TempDir Path directory;

  @Test
  void shouldWriteSetsThatTheSourcesRead() throws Exception {
    PictureGenerator generator = new PictureGenerator(5, 6, 2, 7, 3, 64);
    for (Format format : new Format[] {Format.FOLDER, Format.CSV}) {
      Path home = directory.resolve(format.name());
      assertThat(generator.write(home, format, 2)).isEqualTo(12 + 7 + 18);
      DataSet images = DataSet.open(Specs.of(format, home, 64, 3, 6, 2));
      assertThat(images.train().count()).isEqualTo(19);
      assertThat(images.test().count()).isEqualTo(18);
      int[] labels = new int[19];
      for (int i = 0; i < 19; i++) {
        labels[i] = images.train().label(i);
        assertThat(images.train().decode(i)).hasSize(64 * 64 * 3);
      }
      assertThat(Arrays.stream(labels).filter(k -> k == ImageSource.UNLABELED).count())
          .isEqualTo(7);
      assertThat(Arrays.stream(labels).filter(k -> k == 5).count()).isEqualTo(2);
    }
  }

  @Test
  void shouldDrawTheSameFromTheSameSeedOnly() throws IOException {
    new PictureGenerator(5, 3, 1, 2, 1, 64).write(directory.resolve("a"), Format.CSV, 2);
    new PictureGenerator(5, 3, 1, 2, 1, 64).write(directory.resolve("b"), Format.CSV, 1);
    new PictureGenerator(6, 3, 1, 2, 1, 64).write(directory.resolve("c"), Format.CSV, 2);
    byte[] first = Files.readAllBytes(directory.resolve("a/unlabeled/000001.jpg"));
    assertThat(Files.readAllBytes(directory.resolve("b/unlabeled/000001.jpg"))).isEqualTo(first);
    assertThat(Files.readAllBytes(directory.resolve("c/unlabeled/000001.jpg"))).isNotEqualTo(first);
    assertThat(Files.readAllBytes(directory.resolve("a/unlabeled/000000.jpg"))).isNotEqualTo(first);
  }

  @Test
  void shouldLeaveNoLabelOfUnlabelledPicturesInTheList() throws IOException {
    new PictureGenerator(5, 3, 1, 20, 1, 32).write(directory.resolve("a"), Format.CSV, 2);
    assertThat(Files.readAllLines(directory.resolve("a/labels.csv")))
        .filteredOn(line -> line.contains("unlabel"))
        .hasSize(20)
        .allMatch(line -> line.matches("unlabeled/\\d{6}\\.jpg,,unlabelled"));
  }

  @Test
  void shouldNameABrokenPictureAndTrainWithoutIt() throws Exception {
    new PictureGenerator(5, 2, 3, 4, 1, 32).write(directory.resolve("a"), Format.FOLDER, 2);
    Path victim = directory.resolve("a/train/stripes-disc/000002.jpg");
    Files.write(victim, Arrays.copyOf(Files.readAllBytes(victim), 300));
    List<String> heard = new CopyOnWriteArrayList<>();
    TrainingData data =
        TrainingData.open(
            Specs.of(Format.FOLDER, directory.resolve("a"), 32, 3, 2, 0),
            1,
            (name, reason, other) -> heard.add(name + ": " + reason + ", " + other));
    BatchPlan plan = data.plan(BatchPlan.Phase.MAIN, 6, 10);
    Needs all = new Needs(true, true, true);
    try (BatchLoader loader = new BatchLoader(data, plan, all, new Mesh(1, 1), new Rank(0, 0))) {
      loader.next(0);
      loader.next(1);
    }
    assertThat(heard)
        .containsExactly(
            "train/stripes-disc/000002.jpg: the JPEG file is truncated,"
                + " train/stripes-disc/000004.jpg");
    assertThat(data.brokenCount()).isEqualTo(1);
  }

  @Test
  void shouldRefuseWhatItCannotDraw() throws IOException {
    assertThatThrownBy(() -> new PictureGenerator(5, 25, 1, 0, 1, 64))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("classes is 25, allowed are 2..24");
    Files.createFile(directory.resolve("mine.txt"));
    assertThatThrownBy(
            () -> new PictureGenerator(5, 3, 1, 0, 1, 64).write(directory, Format.CSV, 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("not empty");
    assertThat(directory.resolve("mine.txt")).exists();
  }
}
