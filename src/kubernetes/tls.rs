//! Which implementation of TLS the client of Kubernetes uses.

/// Chooses the back end that the AWS SDKs use as well. To be called before the first `kube::Client` is made, as often as one
/// likes: kube brings another back end along, and with two of them at hand rustls refuses to guess and panics.
pub fn choose() {
    // The only error is that one was chosen before, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
