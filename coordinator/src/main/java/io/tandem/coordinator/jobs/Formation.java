package io.tandem.coordinator.jobs;

import java.net.InetSocketAddress;
import java.util.List;

/** How coordinators find each other. */
public sealed interface Formation {
  /** There is only this one. */
  record Alone() implements Formation {}

  /**
   * By their addresses.
   *
   * @param addresses control addresses of all, unresolved; this one's may be among them
   */
  record Peers(List<InetSocketAddress> addresses) implements Formation {}

  /**
   * By asking Kubernetes for pods, and then each pod's management port.
   *
   * @param managementPort TCP, the same in every pod
   * @param podSelector labels as {@code name=value,name=value}
   * @param namespace where the pods are; empty for this pod's own
   * @param contactPoints pods that must be seen before a new cluster is formed
   */
  record Kubernetes(int managementPort, String podSelector, String namespace, int contactPoints)
      implements Formation {}
}
