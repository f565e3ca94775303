package io.tandem.protocol.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads and writes job files. Keys are the names of the records' components, enums are written in
 * kebab case, and what is left out takes the default of the table in the module's README. Thread-
 * safe.
 */
public final class JobFiles {
  /** Largest job file in bytes. */
  public static final int MAXIMUM_BYTES = 1 << 20;

  private static final int MOST_MISTAKES = 100;

  private JobFiles() {}

  /** As {@link #parse(byte[], Map)} without parameters. */
  public static JobSpec parse(byte[] yamlOrJson) {
    return parse(yamlOrJson, Map.of());
  }

  /**
   * Reads a job.
   *
   * @param yamlOrJson UTF-8; what starts with an opening brace is JSON, all else is YAML
   * @param parameters what {@code ${NAME}} and {@code ${NAME:-default}} in values stand for; {@code
   *     $${} is a literal {@code ${}
   * @throws JobFileException with all the mistakes (at most 100 are told)
   */
  public static JobSpec parse(byte[] yamlOrJson, Map<String, String> parameters) {
    var mistakes = new ArrayList<Mistake>();
    var tree = JobTree.read(yamlOrJson);
    var values = new JobReader(parameters, mistakes).read(tree);
    var job = values.build();
    JobRules.check(job, values, mistakes);
    if (!mistakes.isEmpty()) {
      throw new JobFileException(atMost(MOST_MISTAKES, mistakes));
    }
    return job;
  }

  /**
   * Canonical JSON, UTF-8: every key in the records' order, but no {@code pool} where none is
   * named; it reads back as an equal job.
   */
  public static byte[] toJson(JobSpec job) {
    return JobTree.write(job);
  }

  /** The same job for any pool: canonical JSON to canonical JSON. */
  public static String withoutPool(String json) {
    return JobTree.without(json, "pool");
  }

  /** Every key as YAML, for people; it reads back as an equal job. */
  public static String toYaml(JobSpec job) {
    return JobTree.writeYaml(job);
  }

  private static List<Mistake> atMost(int most, List<Mistake> mistakes) {
    if (mistakes.size() <= most) {
      return mistakes;
    }
    var told = new ArrayList<>(mistakes.subList(0, most));
    told.add(
        new Mistake("", (mistakes.size() - most) + " more mistakes", "correct the first ones"));
    return told;
  }
}
