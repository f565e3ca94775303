package io.tandem.protocol.job;

import java.util.regex.Pattern;

/** Names of worker pools: workers of one pool are alike, and a job's ranks are all in one. */
public final class PoolName {
  /** The pool of workers that name none. */
  public static final String DEFAULT = "default";

  /** What a name looks like; a label of Kubernetes, too. */
  public static final String PATTERN = "[a-z]([a-z0-9-]{0,61}[a-z0-9])?";

  private static final Pattern NAME = Pattern.compile(PATTERN);

  private PoolName() {}

  /** Whether a pool may be called so. */
  public static boolean isValid(String name) {
    return NAME.matcher(name).matches();
  }

  /** That name, or the default for an empty one: workers of an older release tell none. */
  public static String orDefault(String name) {
    return name.isEmpty() ? DEFAULT : name;
  }
}
