package io.tandem.coordinator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jdbi.v3.core.ConnectionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who is told what while a database is away, by a clock that the test sets. */
class AvailabilityTest {
  private final AtomicLong nanos = new AtomicLong(-5);
  private final Availability availability = new Availability("db", nanos::get);

  @BeforeEach
  void open() {
    availability.opened();
  }

  private static String fails(SQLException failure) {
    throw new ConnectionException(failure);
  }

  private static SQLException away() {
    return new SQLTransientConnectionException("timed out", new SQLException("refused", "08001"));
  }

  private void assertTold(String message) {
    assertThatThrownBy(
            () ->
                availability.call(
                    () -> {
                      throw new AssertionError("it was tried");
                    }))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessage(message);
  }

  @Test
  void shouldLetOneAtATimeFindOutWhetherItIsBack() throws Exception {
    assertThatThrownBy(() -> availability.call(() -> fails(away())))
        .isInstanceOf(StoreUnavailableException.class);
    assertTold("the database db cannot be reached: refused");
    nanos.addAndGet(Availability.RETRY.toNanos());
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    CompletableFuture<String> probe =
        CompletableFuture.supplyAsync(
            () ->
                availability.call(
                    () -> {
                      inside.countDown();
                      await(goOn);
                      return "back";
                    }));
    await(inside);
    nanos.addAndGet(10 * Availability.RETRY.toNanos());
    assertTold("the database db cannot be reached: refused");
    goOn.countDown();
    assertThat(probe.get(20, TimeUnit.SECONDS)).isEqualTo("back");
    assertThat(availability.<String>call(() -> "served")).isEqualTo("served");
  }

  @Test
  void shouldLetTheNextOneFindOutWhereTheFirstDidNot() {
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> availability.call(() -> fails(away())))
          .hasMessageContaining("refused");
      assertTold("the database db cannot be reached: refused");
      nanos.addAndGet(Availability.RETRY.toNanos());
    }
    assertThat(availability.<String>call(() -> "served")).isEqualTo("served");
  }

  @Test
  void shouldTellThatItIsBusyToNobodyElse() {
    SQLException slow = new SQLException("canceling statement due to statement timeout", "57014");
    SQLException taken = new SQLTransientConnectionException("Connection is not available");
    for (SQLException failure : new SQLException[] {slow, taken}) {
      assertThatThrownBy(() -> availability.call(() -> fails(failure)))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessage("the database db is busy: " + failure.getMessage());
      assertThat(availability.<String>call(() -> "served")).isEqualTo("served");
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
