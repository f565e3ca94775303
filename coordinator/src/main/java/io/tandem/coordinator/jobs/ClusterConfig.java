package io.tandem.coordinator.jobs;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.tandem.protocol.control.PeerCertificates;
import io.tandem.protocol.control.Remoting;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Map;

/** Akka's settings. */
final class ClusterConfig {
  /** The name under which coordinators look each other up. */
  static final String SERVICE = "tandem";

  private ClusterConfig() {}

  /**
   * @param shared whether the store can decide who goes on after a split
   * @param certificates for mutual TLS, or null
   */
  static Config of(
      String host, int port, Formation formation, boolean shared, PeerCertificates certificates) {
    Map<String, Object> values = Remoting.settings(host, port, certificates);
    values.put("akka.actor.provider", "cluster");
    values.put("akka.cluster.jmx.enabled", "off");
    values.put("akka.cluster.run-coordinated-shutdown-when-down", "off");
    values.put("akka.coordinated-shutdown.exit-jvm", "off");
    values.put("akka.http.server.server-header", "tandem");
    values.put("akka.http.server.parsing.max-content-length", "64m");
    values.put("akka.http.server.idle-timeout", "120s");
    values.put("akka.http.server.remote-address-attribute", "on");
    // Who sends nonsense is told so, and cannot fill the log with it.
    values.put("akka.http.server.parsing.error-logging-verbosity", "off");
    values.put("akka.http.server.parsing.illegal-header-warnings", "off");
    split(values, shared);
    if (formation instanceof Formation.Kubernetes kubernetes) {
      bootstrap(values, host, kubernetes);
    }
    return ConfigFactory.parseMap(values).withFallback(ConfigFactory.load());
  }

  /**
   * After a split the side that gets the lease in the store goes on: of two coordinators either may
   * be the one that is left, which no majority decides. Silence of 3 s is unreachable, and 3 s
   * later it is decided. The new leader need not wait any longer: the store fences the old one.
   */
  private static void split(Map<String, Object> values, boolean shared) {
    values.put(
        "akka.cluster.downing-provider-class", "akka.cluster.sbr.SplitBrainResolverProvider");
    values.put("akka.cluster.seed-node-timeout", "3s");
    if (shared) {
      String resolver = "akka.cluster.split-brain-resolver.";
      values.put(resolver + "active-strategy", "lease-majority");
      values.put(resolver + "stable-after", "3s");
      values.put(resolver + "down-all-when-unstable", "20s");
      values.put(resolver + "lease-majority.acquire-lease-delay-for-minority", "1s");
      values.put(resolver + "lease-majority.lease-implementation", "tandem.store-lease");
      values.put(resolver + "lease-majority.lease-name", "split");
      values.put(resolver + "lease-majority.release-after", "15s");
      values.put("akka.cluster.down-removal-margin", "1s");
      values.put("tandem.store-lease.lease-class", StoreLease.class.getName());
      values.put("tandem.store-lease.heartbeat-timeout", "20s"); // how long it is taken for
      values.put("tandem.store-lease.heartbeat-interval", "5s"); // unused, and demanded by Akka
      values.put("tandem.store-lease.lease-operation-timeout", "8s");
    }
  }

  private static void bootstrap(Map<String, Object> values, String host, Formation.Kubernetes by) {
    String bootstrap = "akka.management.cluster.bootstrap.";
    values.put("akka.management.http.hostname", address(host));
    values.put("akka.management.http.port", by.managementPort());
    values.put(bootstrap + "contact-point-discovery.discovery-method", "kubernetes-api");
    values.put(bootstrap + "contact-point-discovery.service-name", SERVICE);
    values.put(bootstrap + "contact-point-discovery.required-contact-point-nr", by.contactPoints());
    values.put(bootstrap + "contact-point.fallback-port", by.managementPort());
    values.put("akka.discovery.kubernetes-api.pod-label-selector", by.podSelector());
    if (!by.namespace().isEmpty()) {
      values.put("akka.discovery.kubernetes-api.pod-namespace", by.namespace());
    }
  }

  /** Kubernetes lists pods by their addresses, and each must find itself in that list. */
  private static String address(String host) {
    try {
      return InetAddress.getByName(host).getHostAddress();
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("the host " + host + " is unknown", e);
    }
  }
}
