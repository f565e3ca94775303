package io.tandem.worker.fabric;

/** How two ranks reach each other, the nearest first. */
public enum Transport {
  /** They are ranks of one worker. */
  IN_PROCESS("in-process"),
  /** Their workers share a media driver. */
  IPC("ipc"),
  /** Their workers have a media driver each. */
  UDP("udp");

  private final String label;

  Transport(String label) {
    this.label = label;
  }

  /** As commands, results and metrics name it. */
  public String label() {
    return label;
  }
}
