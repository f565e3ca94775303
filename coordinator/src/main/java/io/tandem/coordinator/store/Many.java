package io.tandem.coordinator.store;

import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Cuts what is asked for at once into parts that a statement takes as parameters. */
final class Many {
  static final int MOST = 500;

  private Many() {}

  /** Parts of at most {@link #MOST}; none of nothing. */
  static <T> Stream<List<T>> of(Collection<T> all) {
    List<T> list = List.copyOf(all);
    return IntStream.iterate(0, from -> from < list.size(), from -> from + MOST)
        .mapToObj(from -> list.subList(from, Math.min(list.size(), from + MOST)));
  }
}
