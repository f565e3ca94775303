package io.tandem.coordinator.rest;

import io.tandem.protocol.job.JobFileException;
import io.tandem.protocol.job.JobLines;
import io.tandem.protocol.job.Mistake;
import java.util.List;

/** An answer that is an error, as problem+json (RFC 9457). */
final class Problem extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String title;
  private final transient List<Mistake> mistakes;
  private final transient JobLines lines;

  Problem(int status, String title, String detail, List<Mistake> mistakes) {
    this(status, title, detail, mistakes, null);
  }

  private Problem(int status, String title, String detail, List<Mistake> mistakes, JobLines lines) {
    super(detail, null, false, false);
    this.status = status;
    this.title = title;
    this.mistakes = List.copyOf(mistakes);
    this.lines = lines;
  }

  /** The mistakes of a job file that was sent, with the lines on which they stand. */
  static Problem jobFile(JobFileException e, byte[] file) {
    String title = "The job file has mistakes";
    return new Problem(400, title, e.getMessage(), e.mistakes(), JobLines.of(file));
  }

  static Problem mistake(String path, String given, String allowed) {
    Mistake mistake = new Mistake(path, given, allowed);
    return new Problem(400, "Bad request", mistake.toString(), List.of(mistake));
  }

  static Problem notFound(String what) {
    return new Problem(404, "Not found", what, List.of());
  }

  static Problem conflict(String why) {
    return new Problem(409, "Conflict", why, List.of());
  }

  int status() {
    return status;
  }

  String title() {
    return title;
  }

  List<Mistake> mistakes() {
    return mistakes;
  }

  /** The line of the body on which a mistake stands, from 1; 0 when that is not known. */
  int line(Mistake mistake) {
    return lines == null ? 0 : lines.line(mistake.path());
  }
}
