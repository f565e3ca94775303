package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SparesTest {
  private final Spares spares = new Spares();

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 1023, 1024, 1025, (1 << 20) - 1, 1 << 20})
  void shouldGiveTheSameBufferAgainToAMessageOfAboutThatSize(int bytes) {
    ByteBuffer buffer = spares.take(bytes);
    assertThat(buffer.capacity()).isBetween(bytes, Math.max(1, 2 * bytes));
    spares.give(buffer);
    assertThat(spares.take(bytes)).isSameAs(buffer);
    assertThat(spares.take(bytes)).isNotSameAs(buffer);
  }

  @Test
  void shouldKeepNoLargeMessage() {
    ByteBuffer large = spares.take((1 << 20) + 1);
    assertThat(large.capacity()).isEqualTo((1 << 20) + 1);
    spares.give(large);
    assertThat(spares.take((1 << 20) + 1)).isNotSameAs(large);
  }

  @Test
  void shouldKeepFourMebibytesAtMost() {
    IntStream.range(0, 6)
        .mapToObj(i -> spares.take(1 << 20))
        .toList()
        .forEach(buffer -> spares.give(buffer.put(0, (byte) 1)));
    long used = IntStream.range(0, 6).filter(i -> spares.take(1 << 20).get(0) == (byte) 1).count();
    assertThat(used).isEqualTo(4);
  }
}
