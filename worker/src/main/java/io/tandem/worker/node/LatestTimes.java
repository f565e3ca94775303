package io.tandem.worker.node;

import io.tandem.protocol.control.RankTime;
import io.tandem.worker.train.RankTimes;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How long the steps of an attempt's local ranks took when they were last measured. Thread-safe.
 */
final class LatestTimes {
  private final Map<Integer, RankTime> byRank = new TreeMap<>();

  /** A rank tells; without a step it has nothing newer to say. */
  synchronized void hear(RankTimes times) {
    if (times.steps() == 0) {
      return;
    }
    RankTime.Builder time =
        RankTime.newBuilder()
            .setRank(times.rank())
            .setStepSeconds(times.stepSeconds() / times.steps())
            .setWaitSeconds(times.waitSeconds() / times.steps());
    times.peerSeconds().entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .ifPresent(longest -> time.setWaitsFor(longest.getKey()));
    byRank.put(times.rank(), time.build());
  }

  /** Of every rank that has told, by rank. */
  synchronized Collection<RankTime> all() {
    return List.copyOf(byRank.values());
  }
}
