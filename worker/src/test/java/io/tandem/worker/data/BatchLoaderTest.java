package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 6, unit = TimeUnit.MINUTES) // the loader itself gives up after 5
class BatchLoaderTest {
  private static final int SIDE = 16;
  private static final int SIZE = SIDE * SIDE * 3;
  private static final Needs ALL = new Needs(true, true, true);
  private final List<String> broken = new CopyOnWriteArrayList<>();

  @Test
  void shouldGiveTheSameViewsOnEveryMesh() {
    TrainingData data = data(Specs.FULL, Set.of());
    List<float[]> whole = views(data, new Mesh(1, 1));
    for (Mesh mesh : List.of(new Mesh(1, 4), new Mesh(2, 3), new Mesh(5, 1))) {
      List<float[]> parts = views(data, mesh);
      for (int view = 0; view < 3; view++) {
        assertThat(parts.get(view)).isEqualTo(whole.get(view));
      }
    }
  }

  @Test
  void shouldStartAtAnyStepAsIfRunThrough() {
    TrainingData data = data(Specs.FULL, Set.of());
    Mesh mesh = new Mesh(1, 1);
    try (BatchLoader through = loader(data, ALL, mesh, 0);
        BatchLoader resumed = loader(data, ALL, mesh, 0)) {
      for (int step = 0; step < 7; step++) {
        through.next(step);
      }
      assertThat(resumed.next(7)).usingRecursiveComparison().isEqualTo(through.next(7));
      assertThat(resumed.next(2)).usingRecursiveComparison().isEqualTo(through.next(2));
    }
  }

  @Test
  void shouldTellAllLabelsOfTheReplicaButDecodeOnlyItsPart() {
    FakeImages train = new FakeImages(40, 4, SIZE, Set.of());
    TrainingData data = data(train, Specs.PLAIN, 0.5);
    Mesh mesh = new Mesh(1, 4);
    Needs supervised = new Needs(true, false, false);
    try (BatchLoader loader = loader(data, supervised, mesh, 2)) {
      Batch batch = loader.next(0);
      assertThat(batch.labels()).hasSize(10);
      assertThat(batch.labeledSamples()).hasSize(10);
      for (int i = 0; i < 10; i++) {
        assertThat(batch.labels()[i]).isEqualTo((int) batch.labeledSamples()[i] % 4);
      }
      assertThat(batch.labeledWeak()).hasSize(batch.labeledPlaces().size() * SIZE);
      for (int i = 0; i < batch.labeledPlaces().size(); i++) {
        long sample = batch.labeledSamples()[batch.labeledPlaces().from() + i];
        assertThat(batch.labeledWeak()[i * SIZE]).isEqualTo(sample / 255f);
      }
      assertThat(batch.unlabeledWeak()).isEmpty();
      assertThat(batch.unlabeledStrong()).isEmpty();
    }
    // Closed: 3 steps at most were under way, each with this rank's 2 or 3 labelled images.
    assertThat(train.decoded().get()).isLessThanOrEqualTo(3 * 3);
  }

  @Test
  void shouldReplaceBrokenImagesByOthersOfTheirClassOnEveryMesh() {
    Set<Integer> bad = Set.of(0, 4, 9, 13);
    List<float[]> whole = views(data(Specs.PLAIN, bad), new Mesh(1, 1));
    assertThat(broken).isNotEmpty();
    List<float[]> parts = views(data(Specs.PLAIN, bad), new Mesh(2, 2));
    assertThat(parts.get(0)).isEqualTo(whole.get(0));
    assertThat(parts.get(1)).isEqualTo(whole.get(1));
    TrainingData data = data(Specs.PLAIN, bad);
    try (BatchLoader loader = loader(data, ALL, new Mesh(1, 1), 0)) {
      for (int step = 0; step < 4; step++) {
        Batch batch = loader.next(step);
        for (int i = 0; i < batch.labels().length; i++) {
          int taken = Math.round(batch.labeledWeak()[i * SIZE] * 255);
          assertThat(bad).doesNotContain(taken);
          assertThat(taken % 4).isEqualTo(batch.labels()[i]);
        }
        for (Batch.Replacement replacement : batch.replacements()) {
          assertThat(bad).contains((int) replacement.planned());
          assertThat(bad).doesNotContain((int) replacement.taken());
        }
      }
    }
    assertThat(data.brokenCount()).isEqualTo(4);
  }

  @Test
  void shouldFailPastTheConfiguredShareOfBrokenImages() {
    TrainingData data = data(new FakeImages(40, 4, SIZE, Set.of(1, 2, 3)), Specs.PLAIN, 0.05);
    try (BatchLoader loader = loader(data, ALL, new Mesh(1, 1), 0)) {
      assertThatThrownBy(
              () -> {
                for (int step = 0; step < 10; step++) {
                  loader.next(step);
                }
              })
          .isInstanceOf(DataException.class)
          .hasMessageContaining("3 of 40 images cannot be read")
          .hasMessageContaining("fake-")
          .hasMessageContaining("data.maximumBroken");
    }
  }

  @Test
  void shouldFailWhenAWholeClassIsBroken() {
    TrainingData data = data(new FakeImages(8, 4, SIZE, Set.of(1, 5)), Specs.PLAIN, 1);
    assertThatThrownBy(() -> data.readLabeled(1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("nor can any other image of its kind");
    assertThat(data.readUnlabeled(1).sample()).isEqualTo(2);
  }

  @Test
  void shouldCoverTheTestImagesOnceOverAllRanks() {
    TrainingData data = data(Specs.FULL, Set.of());
    Mesh mesh = new Mesh(2, 3);
    List<Float> seen = new ArrayList<>();
    for (int i = 0; i < mesh.size(); i++) {
      try (BatchLoader loader = loader(data, ALL, mesh, i)) {
        EvaluationBatch batch = loader.evaluation(0, data.testCount());
        assertThat(batch.labels()).hasSize(batch.replicaPlaces().size());
        for (int k = 0; k < batch.places().size(); k++) {
          seen.add(batch.images()[k * SIZE] * 255);
        }
      }
    }
    assertThat(seen).hasSize(20);
    for (int k = 0; k < 20; k++) {
      assertThat(Math.round(seen.get(k))).isEqualTo(k);
    }
  }

  @Test
  void shouldDrawOtherSamplesAndViewsWhenFineTuning() {
    TrainingData data = data(Specs.FULL, Set.of());
    BatchPlan main = data.plan(BatchPlan.Phase.MAIN, 10, 0);
    BatchPlan tune = data.plan(BatchPlan.Phase.FINE_TUNE, 10, 0);
    Slice all = new Slice(0, 10);
    assertThat(tune.labeled(0, all)).isNotEqualTo(main.labeled(0, all));
  }

  @Test
  void shouldEndItsThreadsWhenClosed() {
    // A rank that no other test of this process has, so that the thread is this loader's.
    BatchLoader loader = loader(data(Specs.FULL, Set.of()), ALL, new Mesh(1, 9), 7);
    loader.next(0);
    assertThat(loading()).isTrue();
    loader.close();
    Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> !loading());
  }

  private static boolean loading() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.isAlive() && thread.getName().equals("tandem-data-(0,7)"));
  }

  private List<float[]> views(TrainingData data, Mesh mesh) {
    List<List<float[]>> parts = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < mesh.size(); i++) {
      try (BatchLoader loader = loader(data, ALL, mesh, i)) {
        Batch batch = loader.next(3);
        parts.get(0).add(batch.labeledWeak());
        parts.get(1).add(batch.unlabeledWeak());
        parts.get(2).add(batch.unlabeledStrong());
      }
    }
    return parts.stream().map(BatchLoaderTest::joined).toList();
  }

  private static float[] joined(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(p -> p.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  private TrainingData data(DataSpec.AugmentationSpec augmentation, Set<Integer> bad) {
    return data(new FakeImages(40, 4, SIZE, bad), augmentation, 0.5);
  }

  private TrainingData data(
      ImageSource train, DataSpec.AugmentationSpec augmentation, double maximumBroken) {
    DataSpec spec =
        Specs.of(DataSpec.Format.IDX, Path.of("."), SIDE, 3, 4, 0, augmentation, maximumBroken);
    DataSet images = new DataSet(train, new FakeImages(20, 4, SIZE, Set.of()));
    return new TrainingData(images, spec, 11, (name, reason, other) -> broken.add(name));
  }

  private static BatchLoader loader(TrainingData data, Needs needs, Mesh mesh, int index) {
    Rank rank = mesh.rank(index);
    return new BatchLoader(data, data.plan(BatchPlan.Phase.MAIN, 10, 21), needs, mesh, rank);
  }
}
