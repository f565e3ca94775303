package io.tandem.protocol.tls;

import java.net.Socket;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.PKIXReason;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Believes whom another trust manager believes; who is refused is told with the certificate, its
 * validity, and what to do. Thread-safe if those are.
 */
public final class ExplainedTrust extends X509ExtendedTrustManager {
  /** Hears of what was decided. */
  @FunctionalInterface
  public interface Listener {
    /** With the reason. */
    void refused(String why);

    /** It was believed. */
    default void accepted(X509Certificate certificate) {}
  }

  private final X509ExtendedTrustManager trust;
  private final String stranger;
  private final InstantSource clock;
  private final Listener listener;

  /**
   * Around another.
   *
   * @param stranger what to do where nobody who is trusted has signed
   */
  public ExplainedTrust(
      X509ExtendedTrustManager trust, String stranger, InstantSource clock, Listener listener) {
    this.trust = trust;
    this.stranger = stranger;
    this.clock = clock;
    this.listener = listener;
  }

  private interface Check {
    void run() throws CertificateException;
  }

  private void check(X509Certificate[] chain, Check check) throws CertificateException {
    try {
      check.run();
    } catch (CertificateException e) {
      String why = why(chain, e);
      listener.refused(why);
      throw new CertificateException(why, e.getCause() == null ? e : e.getCause());
    }
    listener.accepted(chain[0]);
  }

  private String why(X509Certificate[] chain, CertificateException e) {
    for (X509Certificate certificate : chain) {
      Optional<String> outOfDate = CertificateText.outOfDate(certificate, clock.instant());
      if (outOfDate.isPresent()) {
        return CertificateText.of(certificate) + " " + outOfDate.get();
      }
    }
    String which = chain.length == 0 ? "no certificate" : CertificateText.of(chain[0]);
    return isStranger(e)
        ? which + " is signed by nobody who is trusted here: " + stranger
        : which + " is refused: " + e.getMessage();
  }

  private static boolean isStranger(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertPathBuilderException) {
        return true;
      }
      if (cause instanceof CertPathValidatorException invalid
          && (invalid.getReason() == PKIXReason.NO_TRUST_ANCHOR
              || invalid.getReason() == BasicReason.INVALID_SIGNATURE)) {
        return true; // another authority of the same name
      }
    }
    return false;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    check(chain, () -> trust.checkClientTrusted(chain, type, engine));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    check(chain, () -> trust.checkServerTrusted(chain, type, engine));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    check(chain, () -> trust.checkClientTrusted(chain, type, socket));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    check(chain, () -> trust.checkServerTrusted(chain, type, socket));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, () -> trust.checkClientTrusted(chain, type));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, () -> trust.checkServerTrusted(chain, type));
  }

  /** None are named, or a client that has another authority's certificate would show none. */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
