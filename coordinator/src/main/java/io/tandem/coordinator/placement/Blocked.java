package io.tandem.coordinator.placement;

import io.tandem.coordinator.placement.GangScheduler.Holding;
import io.tandem.coordinator.placement.GangScheduler.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Jobs that wait for slots of a pool while later ones are looked at. The room of one is what later
 * jobs may hold beside it: the pool less itself, and less all that has overtaken it.
 */
final class Blocked {
  /** {@code room} is as it was before anything that was placed after {@code overtaken} was so. */
  private record Room(Waiting job, int room) {}

  private final int capacity;

  /** By its place in the queue: the slots of the job that has it and of all later ones. */
  private final NavigableMap<Long, Integer> from = new TreeMap<>();

  /**
   * Only those with less room than all before them: who starves another one also starves one of
   * these that is as early, or earlier.
   */
  private final List<Room> tightest = new ArrayList<>();

  /** Slots given since the start to jobs later than all of these. */
  private int overtaken;

  Blocked(int capacity, List<Holding> running) {
    this.capacity = capacity;
    running.forEach(holding -> from.merge(holding.order(), holding.size(), Integer::sum));
    int later = 0;
    for (Map.Entry<Long, Integer> entry : from.descendingMap().entrySet()) {
      later += entry.getValue();
      entry.setValue(later);
    }
  }

  /** Of a job that is later than all that were placed. */
  int room(Waiting job) {
    Map.Entry<Long, Integer> after = from.higherEntry(job.order());
    return capacity - job.size() - (after == null ? 0 : after.getValue());
  }

  /** A job that is later than all before. */
  void add(Waiting job) {
    int room = room(job) + overtaken;
    if (tightest.isEmpty() || room < tightest.get(tightest.size() - 1).room()) {
      tightest.add(new Room(job, room));
    }
  }

  /** The first that would starve if that later job were placed. */
  Optional<Waiting> starvedBy(Waiting next) {
    return tightest.stream()
        .filter(first -> first.room() - overtaken < next.size())
        .findFirst()
        .map(Room::job);
  }

  /** A job that is later than all of these was placed. */
  void overtakenBy(Waiting job) {
    overtaken += job.size();
  }
}
