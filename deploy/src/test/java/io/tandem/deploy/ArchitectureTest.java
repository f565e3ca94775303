package io.tandem.deploy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls between modules and packages, and around third-party libraries. */
@AnalyzeClasses(packages = "io.tandem", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule WORKER_SEES_NO_COORDINATOR =
      noClasses()
          .that()
          .resideInAPackage("io.tandem.worker..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.tandem.coordinator..", "io.tandem.deploy..");

  @ArchTest
  static final ArchRule COORDINATOR_SEES_NO_WORKER =
      noClasses()
          .that()
          .resideInAPackage("io.tandem.coordinator..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.tandem.worker..", "io.tandem.deploy..");

  @ArchTest
  static final ArchRule PROTOCOL_STANDS_ALONE =
      noClasses()
          .that()
          .resideInAPackage("io.tandem.protocol..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.tandem.worker..", "io.tandem.coordinator..", "io.tandem.deploy..");

  @ArchTest static final ArchRule ND4J = only("org.nd4j..", "io.tandem.worker.engine.nd4j..");

  @ArchTest
  static final ArchRule ONEDNN = only("org.bytedeco.dnnl..", "io.tandem.worker.engine.nd4j..");

  @ArchTest static final ArchRule AERON = only("io.aeron..", "io.tandem.worker.fabric..");

  @ArchTest
  static final ArchRule OBJECT_STORES = only("software.amazon..", "io.tandem.worker.storage..");

  @ArchTest
  static final ArchRule TAR = only("org.apache.commons.compress..", "io.tandem.worker.data..");

  @ArchTest
  static final ArchRule AKKA =
      only(
          "akka..",
          "io.tandem.worker.node..",
          "io.tandem.coordinator",
          "io.tandem.coordinator.rest..",
          "io.tandem.coordinator.jobs..",
          "io.tandem.protocol.control..",
          "io.tandem.protocol.tls.."); // its reader of keys

  @ArchTest static final ArchRule SQL = only("java.sql..", "io.tandem.coordinator.store..");

  @ArchTest
  static final ArchRule MICROMETER =
      only(
          "io.micrometer..",
          "io.tandem.protocol.metrics..",
          "io.tandem.worker.metrics..",
          "io.tandem.coordinator.metrics..");

  @ArchTest
  static final ArchRule COLLECTIVES_KNOW_NO_ENGINE =
      noClasses()
          .that()
          .resideInAPackage("io.tandem.worker.collective..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.tandem.worker.engine..");

  @ArchTest
  static final ArchRule MODELS_KNOW_NO_PARALLELISM =
      noClasses()
          .that()
          .resideInAPackage("io.tandem.worker.model..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.tandem.worker.parallel..",
              "io.tandem.worker.collective..",
              "io.tandem.worker.fabric..");

  @ArchTest
  static final ArchRule NO_CYCLES =
      slices().matching("io.tandem.(*).(*)..").should().beFreeOfCycles();

  private static ArchRule only(String library, String... packages) {
    return noClasses()
        .that()
        .resideOutsideOfPackages(packages)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library);
  }
}
