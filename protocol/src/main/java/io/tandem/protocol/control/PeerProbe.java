package io.tandem.protocol.control;

import io.tandem.protocol.tls.CertificateText;
import io.tandem.protocol.tls.ExplainedTrust;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Finds out why a peer does not answer: connects once as remoting would and says what happens.
 * Remoting itself tells nobody.
 */
public final class PeerProbe {
  private static final int TIMEOUT_MS = (int) Duration.ofSeconds(2).toMillis();

  private PeerProbe() {}

  /**
   * Blocks for some seconds at most.
   *
   * @param address of a peer, unresolved
   * @param certificates of this process, or null for none
   * @return what is wrong, or empty when the connection itself is well
   */
  public static String trouble(InetSocketAddress address, PeerCertificates certificates) {
    InetSocketAddress peer = new InetSocketAddress(address.getHostString(), address.getPort());
    if (peer.isUnresolved()) {
      return "the name " + address.getHostString() + " is unknown";
    }
    try (Socket plain = new Socket()) {
      plain.connect(peer, TIMEOUT_MS);
      plain.setSoTimeout(TIMEOUT_MS);
      return certificates == null ? withoutTls(plain, peer) : withTls(plain, peer, certificates);
    } catch (IOException e) {
      return "no connection: " + e.getMessage();
    } catch (IllegalArgumentException e) {
      return e.getMessage(); // of this process's own files
    }
  }

  private static String withTls(Socket plain, InetSocketAddress peer, PeerCertificates files) {
    AtomicReference<String> refused = new AtomicReference<>();
    AtomicReference<X509Certificate> accepted = new AtomicReference<>();
    PeerTls.Identity own = PeerTls.identity(files, listener(refused, accepted));
    try (SSLSocket socket = wrap(own.context(), plain, peer)) {
      socket.startHandshake();
      return own.names().verifyClientSession(peer.getHostString(), socket.getSession()).isDefined()
          ? PeerTls.strangeNames(own, socket.getSession())
          : "";
    } catch (IOException e) {
      if (refused.get() != null) {
        return "its certificate is refused here: " + refused.get();
      }
      // Who refuses may have closed the connection before its alert was read.
      return accepted.get() == null
          ? "it speaks no TLS (%s): give it --control-certificate, too, or this process none"
              .formatted(e.getMessage())
          : "it refuses this process's certificate %s (%s): its log says why; look at validity,"
                  .formatted(CertificateText.of(own.certificate()), e.getMessage())
              + " authority, and both clocks";
    }
  }

  private static ExplainedTrust.Listener listener(
      AtomicReference<String> refused, AtomicReference<X509Certificate> accepted) {
    return new ExplainedTrust.Listener() {
      @Override
      public void refused(String why) {
        refused.set(why);
      }

      @Override
      public void accepted(X509Certificate certificate) {
        accepted.set(certificate);
      }
    };
  }

  /** Offers TLS, to see whether the peer would have it. */
  private static String withoutTls(Socket plain, InetSocketAddress peer) {
    AtomicReference<X509Certificate> shown = new AtomicReference<>();
    try (SSLSocket socket = wrap(anybody(shown), plain, peer)) {
      socket.startHandshake();
    } catch (IOException e) {
      // As expected: either it speaks no TLS, or it asks for a certificate.
    }
    return shown.get() == null
        ? ""
        : "it speaks TLS, as %s: give this process --control-certificate, --control-key and"
                .formatted(CertificateText.of(shown.get()))
            + " --control-authority";
  }

  private static SSLSocket wrap(SSLContext context, Socket plain, InetSocketAddress peer)
      throws IOException {
    SSLSocket socket =
        (SSLSocket)
            context
                .getSocketFactory()
                .createSocket(plain, peer.getHostString(), peer.getPort(), true);
    socket.setUseClientMode(true);
    return socket;
  }

  /** Nothing is sent to whom this trusts: it only looks at the certificate. */
  private static SSLContext anybody(AtomicReference<X509Certificate> shown) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          null,
          new TrustManager[] {
            new X509TrustManager() {
              @Override
              public void checkClientTrusted(X509Certificate[] chain, String type) {}

              @Override
              public void checkServerTrusted(X509Certificate[] chain, String type) {
                shown.set(chain[0]);
              }

              @Override
              public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
              }
            }
          },
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no TLS", e);
    }
  }
}
