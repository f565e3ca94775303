package io.tandem.coordinator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Readers that ask for too much get in nobody's way, least of all the leader's. */
class BusyStoreTest {
  @TempDir Path directory;

  @Test
  void shouldTellOnlyWhoAskedThatAQueryTookTooLong() {
    try (Store store = new TestStore(Dialect.POSTGRESQL, directory).open()) {
      Leadership leadership = store.lead("a");
      assertThatThrownBy(
              () ->
                  store.tidy(
                      handle -> {
                        handle.execute("SET LOCAL statement_timeout = '50ms'");
                        return handle.execute("SELECT pg_sleep(5)");
                      }))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("is busy");
      assertThat(store.<Long>read(StoreReader::newestEvent)).isZero();
      leadership.write(writer -> writer.acknowledged("w", 1));
    }
  }

  @Test
  void shouldServeTheLeaderWhileReadersHoldAllTheirConnections() throws Exception {
    ExecutorService readers = Executors.newCachedThreadPool();
    CountDownLatch goOn = new CountDownLatch(1);
    try (Store store = new TestStore(Dialect.SQLITE, directory).open()) {
      Leadership leadership = store.lead("a");
      CountDownLatch inside = new CountDownLatch(4);
      for (int i = 0; i < 4; i++) {
        readers.execute(
            () ->
                store.read(
                    reader -> {
                      inside.countDown();
                      return await(goOn);
                    }));
      }
      assertThat(await(inside)).isTrue();
      assertThatThrownBy(() -> store.read(StoreReader::newestEvent))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("is busy");
      leadership.write(writer -> writer.acknowledged("w", 1));
      assertThat(leadership.<Long>read(reader -> reader.acknowledged("w"))).isEqualTo(1);
      store.check();
      goOn.countDown();
      readers.shutdown();
      assertThat(readers.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
      assertThat(store.<Long>read(StoreReader::newestEvent)).isZero();
    } finally {
      goOn.countDown();
      readers.shutdownNow();
    }
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
