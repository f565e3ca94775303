package io.tandem.protocol.job;

import java.util.List;
import java.util.stream.Collectors;

/** A job file that cannot be used, with all of its mistakes. */
public final class JobFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Mistake> mistakes;

  public JobFileException(List<Mistake> mistakes) {
    super(mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n")));
    this.mistakes = List.copyOf(mistakes);
  }

  static JobFileException of(String given, String allowed) {
    return new JobFileException(List.of(new Mistake("", given, allowed)));
  }

  /** At least one, in the order of the file's keys; what belongs together comes last. */
  public List<Mistake> mistakes() {
    return mistakes;
  }
}
