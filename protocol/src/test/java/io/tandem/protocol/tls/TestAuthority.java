package io.tandem.protocol.tls;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Signs certificates for tests, into a directory of its own; {@code ca.crt} is its own one. */
public final class TestAuthority {
  private static final Duration DAY = Duration.ofDays(1);
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Path directory;
  private final X500Principal name;
  private final KeyPair keys;

  /** A new one. */
  public TestAuthority(Path directory) throws Exception {
    this(directory, "authority");
  }

  /** A new one of that name. */
  public TestAuthority(Path directory, String name) throws Exception {
    this.directory = Files.createDirectories(directory);
    this.name = new X500Principal("CN=" + name);
    this.keys = generate("RSA");
    JcaX509v3CertificateBuilder own =
        builder(this.name, keys, Instant.now().minus(DAY), Instant.now().plus(DAY));
    own.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
    pem(file("ca.crt"), "CERTIFICATE", signed(own).getEncoded());
  }

  /** A certificate of that common name for this host, valid since yesterday until tomorrow. */
  public X509Certificate sign(String file, String subject) throws Exception {
    return sign(file, subject, "RSA", DAY.negated(), DAY);
  }

  /**
   * Writes FILE.crt and FILE.key.
   *
   * @param algorithm RSA or EC
   * @param from seen from now
   * @param until seen from now
   */
  public X509Certificate sign(
      String file, String subject, String algorithm, Duration from, Duration until)
      throws Exception {
    GeneralName[] names = {
      new GeneralName(GeneralName.dNSName, subject),
      new GeneralName(GeneralName.dNSName, "localhost"),
      new GeneralName(GeneralName.iPAddress, "127.0.0.1")
    };
    return sign(file, subject, algorithm, from, until, names);
  }

  /** The same as {@link #sign(String, String)} without this host's names. */
  public X509Certificate signWithoutHost(String file, String subject) throws Exception {
    return sign(
        file, subject, "RSA", DAY.negated(), DAY, new GeneralName(GeneralName.dNSName, subject));
  }

  private X509Certificate sign(
      String file,
      String subject,
      String algorithm,
      Duration from,
      Duration until,
      GeneralName... names)
      throws Exception {
    KeyPair pair = generate(algorithm);
    JcaX509v3CertificateBuilder certificate =
        builder(
            new X500Principal("CN=" + subject),
            pair,
            Instant.now().plus(from),
            Instant.now().plus(until));
    certificate.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
    X509Certificate signed = signed(certificate);
    pem(file(file + ".crt"), "CERTIFICATE", signed.getEncoded());
    pem(file(file + ".key"), "PRIVATE KEY", pair.getPrivate().getEncoded());
    return signed;
  }

  /** A file of its directory. */
  public Path file(String fileName) {
    return directory.resolve(fileName);
  }

  /** The control plane's settings for a process with that pair. */
  public Map<String, String> controlPlane(String file) {
    return Map.of(
        "TANDEM_CONTROL_CERTIFICATE", file(file + ".crt").toString(),
        "TANDEM_CONTROL_KEY", file(file + ".key").toString(),
        "TANDEM_CONTROL_AUTHORITY", file("ca.crt").toString());
  }

  private static KeyPair generate(String algorithm) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
    generator.initialize(algorithm.equals("RSA") ? 2048 : 256);
    return generator.generateKeyPair();
  }

  private JcaX509v3CertificateBuilder builder(
      X500Principal subject, KeyPair pair, Instant from, Instant until) {
    return new JcaX509v3CertificateBuilder(
        name,
        new BigInteger(64, RANDOM),
        Date.from(from),
        Date.from(until),
        subject,
        pair.getPublic());
  }

  private X509Certificate signed(JcaX509v3CertificateBuilder certificate) throws Exception {
    return new JcaX509CertificateConverter()
        .getCertificate(
            certificate.build(
                new JcaContentSignerBuilder("SHA256withRSA").build(keys.getPrivate())));
  }

  private static void pem(Path file, String kind, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    Files.writeString(
        file, "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
  }
}
