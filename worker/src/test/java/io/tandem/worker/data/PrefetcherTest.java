package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class PrefetcherTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  @Test
  void shouldWorkOnTheNextStepButNoFurther() throws Exception {
    Set<Long> asked = ConcurrentHashMap.newKeySet();
    CountDownLatch second = new CountDownLatch(1);
    try (Prefetcher<Long> prefetcher =
        new Prefetcher<>(
            "ahead",
            1,
            LONG,
            step -> {
              asked.add(step);
              if (step == 1) {
                second.countDown();
              }
              return step * 10;
            })) {
      assertThat(prefetcher.get(0)).isZero();
      assertThat(second.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(asked).containsExactlyInAnyOrder(0L, 1L);
      assertThat(prefetcher.get(7)).isEqualTo(70);
      assertThat(prefetcher.get(1)).isEqualTo(10);
    }
  }

  @Test
  void shouldThrowWhatTheWorkThrewAndGoOn() {
    try (Prefetcher<Long> prefetcher =
        new Prefetcher<>(
            "failing",
            2,
            LONG,
            step -> {
              if (step == 3) {
                throw new DataException("step three");
              }
              return step;
            })) {
      assertThat(prefetcher.get(2)).isEqualTo(2);
      assertThatThrownBy(() -> prefetcher.get(3))
          .isInstanceOf(DataException.class)
          .hasMessage("step three");
      assertThat(prefetcher.get(4)).isEqualTo(4);
    }
  }

  @Test
  void shouldSayWhenTheStorageDoesNotAnswer() {
    CountDownLatch never = new CountDownLatch(1);
    Prefetcher<Boolean> prefetcher =
        new Prefetcher<>("stuck", 1, Duration.ofMillis(50), step -> waited(never));
    assertThatThrownBy(() -> prefetcher.get(0))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("data.path");
    never.countDown();
    prefetcher.close();
  }

  @Test
  void shouldReleaseAWaitingCallerWhenClosed() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    Prefetcher<Boolean> prefetcher =
        new Prefetcher<>("closing", 1, LONG, step -> step == 0 || waited(release));
    prefetcher.get(0);
    // Step 1 holds the only thread; step 5 waits behind it when the prefetcher closes. The common
    // pool may have one thread on two processors, and these two wait for each other.
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      Future<Boolean> caller = threads.submit(() -> prefetcher.get(5));
      Future<?> closing = threads.submit(prefetcher::close);
      assertThatThrownBy(() -> caller.get(10, TimeUnit.SECONDS))
          .cause()
          .isInstanceOf(CancellationException.class);
      release.countDown();
      closing.get(10, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
    }
  }

  private static boolean waited(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
