package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BatchPlanTest {
  @Property(tries = 200)
  void shouldPermuteEveryCount(@ForAll @IntRange(min = 1, max = 3000) int count, @ForAll long key) {
    Permutation order = new Permutation(count, key);
    int[] seen = IntStream.range(0, count).map(order::at).sorted().toArray();
    assertThat(seen).isEqualTo(IntStream.range(0, count).toArray());
  }

  @Property(tries = 300)
  void shouldCoverTheBatchWithPartsThatDifferByAtMostOne(
      @ForAll @IntRange(min = 0, max = 300) int batch,
      @ForAll @IntRange(min = 1, max = 9) int replicas,
      @ForAll @IntRange(min = 1, max = 16) int shards) {
    Mesh mesh = new Mesh(replicas, shards);
    int next = 0;
    int smallest = Integer.MAX_VALUE;
    int largest = 0;
    for (int i = 0; i < mesh.size(); i++) {
      Slice slice = Slice.ofRank(batch, mesh, mesh.rank(i));
      assertThat(slice.from()).isEqualTo(next);
      next = slice.to();
      smallest = Math.min(smallest, slice.size());
      largest = Math.max(largest, slice.size());
    }
    assertThat(next).isEqualTo(batch);
    assertThat(largest - smallest).isLessThanOrEqualTo(1);
  }

  @Property(tries = 100)
  void shouldGiveTheSameGlobalSamplesOnEveryMesh(
      @ForAll @IntRange(min = 1, max = 50) int batch,
      @ForAll @IntRange(min = 1, max = 5) int replicas,
      @ForAll @IntRange(min = 1, max = 5) int shards,
      @ForAll @IntRange(min = 0, max = 1_000_000) int step) {
    BatchPlan plan = plan(7, batch, 2 * batch);
    Mesh mesh = new Mesh(replicas, shards);
    long[] labeled =
        IntStream.range(0, mesh.size())
            .mapToObj(mesh::rank)
            .flatMapToLong(r -> Arrays.stream(plan.labeled(step, Slice.ofRank(batch, mesh, r))))
            .toArray();
    assertThat(labeled).isEqualTo(plan.labeled(step, new Slice(0, batch)));
  }

  @Test
  void shouldShowEverySampleOnceAnEpochInANewOrder() {
    BatchPlan plan = plan(7, 4, 10);
    long[] first = epoch(plan, 0);
    long[] second = epoch(plan, 10);
    assertThat(first).containsExactlyInAnyOrder(LongStream.range(0, 100).toArray());
    assertThat(second).containsExactlyInAnyOrder(LongStream.range(0, 100).toArray());
    assertThat(second).isNotEqualTo(first);
    assertThat(epoch(plan(8, 4, 10), 0)).isNotEqualTo(first);
  }

  @Test
  void shouldDrawLabelledSamplesOnlyFromTheSubset() {
    BatchPlan plan = plan(3, 6, 0);
    for (int step = 0; step < 50; step++) {
      for (long sample : plan.labeled(step, new Slice(0, 6))) {
        assertThat(sample % 10).isEqualTo(5);
      }
    }
    assertThat(plan.unlabeled(4, Slice.ofRank(0, new Mesh(2, 2), new Rank(1, 1)))).isEmpty();
  }

  @Test
  void shouldSpreadPlacesEvenly() {
    // Chi-square of where sample 0 of 10 stands over 10,000 orders; 27.9 is the 0.1 % bound of 9.
    int[] counts = new int[10];
    for (int i = 0; i < 10_000; i++) {
      Permutation order = new Permutation(10, 1, i);
      counts[IntStream.range(0, 10).filter(p -> order.at(p) == 0).findFirst().orElseThrow()]++;
    }
    double chi = Arrays.stream(counts).mapToDouble(c -> (c - 1000.0) * (c - 1000.0) / 1000).sum();
    assertThat(chi).isLessThan(27.9);
  }

  private static long[] epoch(BatchPlan plan, int from) {
    return IntStream.range(from, from + 10)
        .mapToObj(step -> plan.unlabeled(step, new Slice(0, 10)))
        .flatMapToLong(Arrays::stream)
        .toArray();
  }

  private static BatchPlan plan(long seed, int labeled, int unlabeled) {
    int[] samples = IntStream.range(0, 10).map(i -> i * 10 + 5).toArray();
    return new BatchPlan(seed, BatchPlan.Phase.MAIN, samples, 100, labeled, unlabeled);
  }
}
