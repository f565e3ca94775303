package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.control.RankTime;
import io.tandem.worker.train.RankTimes;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LatestTimesTest {
  private final LatestTimes latest = new LatestTimes();

  @Test
  void shouldTellTheMeanStepOfEachRankAndWhomItWaitsFor() {
    latest.hear(new RankTimes(3, 4, 2, 1, Map.of("halo", 1.0), Map.of(0, 0.25, 2, 0.75)));
    latest.hear(new RankTimes(1, 1, 0.5, 0, Map.of(), Map.of()));
    RankTime alone = RankTime.newBuilder().setRank(1).setStepSeconds(0.5).build();
    RankTime waiting =
        RankTime.newBuilder()
            .setRank(3)
            .setStepSeconds(0.5)
            .setWaitSeconds(0.25)
            .setWaitsFor(2)
            .build();
    assertThat(latest.all()).containsExactly(alone, waiting);
  }

  @Test
  void shouldKeepWhatWasTrueUntilTheNextStep() {
    assertThat(latest.all()).isEmpty();
    latest.hear(new RankTimes(0, 0, 0, 0, Map.of("evaluate", 1.0), Map.of(1, 1.0)));
    assertThat(latest.all()).isEmpty();
    latest.hear(new RankTimes(0, 2, 3, 0, Map.of(), Map.of()));
    latest.hear(new RankTimes(0, 0, 0, 0, Map.of("evaluate", 1.0), Map.of()));
    assertThat(latest.all()).extracting(RankTime::getStepSeconds).containsExactly(1.5);
    latest.hear(new RankTimes(0, 1, 2, 0, Map.of(), Map.of()));
    assertThat(latest.all()).extracting(RankTime::getStepSeconds).containsExactly(2.0);
  }
}
