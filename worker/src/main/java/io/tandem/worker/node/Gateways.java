package io.tandem.worker.node;

import akka.actor.ActorSelection;
import akka.actor.ActorSystem;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinators' gateways, one of which is spoken to. A name is tried as it is written, since a
 * coordinator listens to the name that it was given, and then as each address that it has now. Not
 * thread-safe: the actor's own.
 */
final class Gateways {
  private static final Logger LOG = LoggerFactory.getLogger(Gateways.class);

  private final ActorSystem system;
  private final List<InetSocketAddress> given;
  private List<InetSocketAddress> round = List.of();
  private int next;

  /** Whether the current one has. */
  private boolean answered;

  private InetSocketAddress current;
  private ActorSelection gateway;

  /** {@code given} are unresolved. */
  Gateways(ActorSystem system, List<InetSocketAddress> given) {
    this.system = system;
    this.given = given;
    advance();
  }

  /**
   * Goes on to the next; names are looked up anew when all were tried, and when one that had
   * answered is left. Who was spoken to last is the last to be tried again: with as many seconds as
   * one may take to answer, there are few of them until this worker is taken for lost.
   */
  void advance() {
    if (answered || next == round.size()) {
      round = candidates(given);
      if (round.remove(current)) {
        round.add(current);
      }
      next = 0;
      answered = false;
    }
    speakTo(round.get(next++));
  }

  private void speakTo(InetSocketAddress address) {
    current = address;
    gateway = system.actorSelection("akka://tandem@%s/user/gateway".formatted(current()));
  }

  /** That one has answered: goes back to it, where that came late and it is one of these. */
  void answered(String name) {
    round.stream()
        .filter(address -> name.equals(name(address)))
        .findFirst()
        .ifPresent(
            address -> {
              speakTo(address);
              answered = true;
            });
  }

  /** Whom {@link #tell} speaks to, as {@code HOST:PORT}. */
  String current() {
    return name(current);
  }

  private static String name(InetSocketAddress address) {
    String host = address.getHostString();
    String written = host.contains(":") ? "[" + host + "]" : host; // IPv6
    return written + ":" + address.getPort();
  }

  void tell(Object message) {
    gateway.tell(message, akka.actor.ActorRef.noSender());
  }

  static List<InetSocketAddress> candidates(List<InetSocketAddress> given) {
    Set<InetSocketAddress> all = new LinkedHashSet<>(given);
    for (InetSocketAddress address : given) {
      try {
        for (InetAddress found : InetAddress.getAllByName(address.getHostString())) {
          all.add(InetSocketAddress.createUnresolved(found.getHostAddress(), address.getPort()));
        }
      } catch (UnknownHostException e) {
        LOG.debug("{} has no address now", address.getHostString());
      }
    }
    return new ArrayList<>(all);
  }
}
