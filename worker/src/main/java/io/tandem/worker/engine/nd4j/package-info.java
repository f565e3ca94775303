/**
 * The engine on ND4J: convolutions and matrix products by oneDNN and OpenBLAS, everything else by
 * loops over the tensors' own memory, fused so that each value is read once.
 */
package io.tandem.worker.engine.nd4j;
