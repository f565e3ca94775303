package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.DataSpec.Format;
import io.tandem.protocol.mesh.Mesh;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the ranks of a job read from files, over an epoch in which it went on on another mesh. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // the loader itself gives up after 5
class EpochTest {
  private static final int SIDE = 32;
  private static final int SIZE = SIDE * SIDE * 3;
  private static final int CLASSES = 4;
  private static final int LABELED = 24;
  private static final int TRAIN = LABELED + 30;
  private static final int LABELED_BATCH = 8;
  private static final int UNLABELED_BATCH = 10;

  /** In the midst of both epochs, of 3 and of 5.4 steps. */
  private static final int FIRST_STEPS = 2;

  @TempDir Path directory;

  private TrainingData open(Format format) throws Exception {
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(5, CLASSES, LABELED / CLASSES, TRAIN - LABELED, 1, SIDE)
        .write(pictures, Format.CSV, 2);
    Path path = pictures;
    if (format == Format.TAR) {
      path = Files.createDirectory(directory.resolve("shards"));
      TarPictures.pack(pictures, path, 10);
    }
    DataSpec spec = Specs.of(format, path, SIDE, 3, CLASSES, 0, Specs.PLAIN, 0);
    return TrainingData.open(spec, 11, (name, reason, other) -> {});
  }

  /** Images as they were read, in the order of the global batches. */
  private record Read(List<Integer> labeled, List<Integer> unlabeled) {
    void add(TrainingData data, Mesh mesh, int from, int to) {
      for (int step = from; step < to; step++) {
        for (int rank = 0; rank < mesh.size(); rank++) {
          BatchPlan plan = data.plan(BatchPlan.Phase.MAIN, LABELED_BATCH, UNLABELED_BATCH);
          try (BatchLoader loader =
              new BatchLoader(data, plan, new Needs(true, true, false), mesh, mesh.rank(rank))) {
            Batch batch = loader.next(step);
            assertThat(batch.replacements()).isEmpty();
            add(labeled, batch.labeledWeak());
            add(unlabeled, batch.unlabeledWeak());
          }
        }
      }
    }

    private static void add(List<Integer> to, float[] images) {
      for (int at = 0; at < images.length; at += SIZE) {
        to.add(Arrays.hashCode(Arrays.copyOfRange(images, at, at + SIZE)));
      }
    }
  }

  private static List<Integer> images(TrainingData data) {
    List<Integer> all = new ArrayList<>();
    for (int sample = 0; sample < TRAIN; sample++) {
      float[] image = new float[SIZE];
      ReadableImages.Read read = data.readUnlabeled(sample);
      assertThat(read.sample()).isEqualTo(sample);
      data.normalize(data.picture(read.pixels()), image, 0);
      all.add(Arrays.hashCode(image));
    }
    assertThat(all).as("pictures that can be told apart").doesNotHaveDuplicates();
    return all;
  }

  @ParameterizedTest
  @EnumSource(
      value = Format.class,
      names = {"CSV", "TAR"})
  void shouldReadEverySampleOnceThoughTheMeshHasChanged(Format format) throws Exception {
    TrainingData data = open(format);
    List<Integer> images = images(data);
    Read read = new Read(new ArrayList<>(), new ArrayList<>());
    read.add(data, new Mesh(2, 2), 0, FIRST_STEPS);
    read.add(data, new Mesh(1, 3), FIRST_STEPS, 6);
    assertThat(read.unlabeled().subList(0, TRAIN)).containsExactlyInAnyOrderElementsOf(images);
    assertThat(read.labeled().subList(0, LABELED))
        .containsExactlyInAnyOrderElementsOf(images.subList(0, LABELED));
    assertThat(read.unlabeled().subList(0, TRAIN)).as("shuffled").isNotEqualTo(images);
  }
}
