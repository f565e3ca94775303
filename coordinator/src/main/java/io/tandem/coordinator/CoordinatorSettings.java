package io.tandem.coordinator;

import java.nio.file.Path;

/**
 * How a coordinator is started.
 *
 * @param store directory of the store, created when missing
 * @param restHost address that REST listens on; without a token only a loopback address
 * @param restPort 0 takes any that is free
 * @param controlHost address that workers reach, and that is listened on
 * @param controlPort 0 takes any that is free
 * @param token the bearer token; empty means none
 */
public record CoordinatorSettings(
    Path store, String restHost, int restPort, String controlHost, int controlPort, String token) {
  /** REST's port by default. */
  public static final int REST_PORT = 8080;

  /** The workers' port by default. */
  public static final int CONTROL_PORT = 25520;

  public CoordinatorSettings {
    token = token == null ? "" : token.strip();
  }

  /** For one process: loopback, any free ports, no token. */
  public static CoordinatorSettings embedded(Path store) {
    return new CoordinatorSettings(store, "127.0.0.1", 0, "127.0.0.1", 0, "");
  }
}
