package io.tandem.coordinator.rest;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a caller may do. Each may do what those before it may. */
enum Role {
  /** Look at everything. */
  VIEWER,
  /** Submit jobs, and cancel, pause and resume any. */
  SUBMITTER,
  /** Remove jobs, too. */
  ADMIN;

  /** What a call takes by its method; of what is not known here, the most. */
  static Role neededFor(String method) {
    return switch (method) {
      case "GET", "HEAD" -> VIEWER;
      case "POST" -> SUBMITTER;
      default -> ADMIN;
    };
  }

  boolean mayActAs(Role needed) {
    return compareTo(needed) >= 0;
  }

  /** As files and messages write it. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The role of that label.
   *
   * @throws IllegalArgumentException names those allowed
   */
  static Role of(String label) {
    return Arrays.stream(values())
        .filter(role -> role.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "'"
                        + label
                        + "' is no role; allowed are "
                        + Arrays.stream(values())
                            .map(Role::label)
                            .collect(Collectors.joining(", "))));
  }
}
