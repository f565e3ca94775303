package io.tandem.coordinator.jobs;

import java.util.Set;
import java.util.TreeSet;

/**
 * The workers of an attempt.
 *
 * @param waiting those that have not reported their start
 * @param active those that have not ended: they still hold their slots
 */
public record Gang(Set<String> waiting, Set<String> active) {
  /** Nobody. */
  public static final Gang NONE = new Gang(Set.of(), Set.of());

  public Gang {
    waiting = Set.copyOf(waiting);
    active = Set.copyOf(active);
  }

  Gang started(String workerId) {
    return new Gang(minus(waiting, workerId), active);
  }

  Gang without(String workerId) {
    return new Gang(minus(waiting, workerId), minus(active, workerId));
  }

  private static Set<String> minus(Set<String> workers, String workerId) {
    Set<String> rest = new TreeSet<>(workers);
    rest.remove(workerId);
    return rest;
  }
}
