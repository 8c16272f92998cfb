//! What a file is, where it is not the safetensors file that it should be.

/// The kind of file that begins with `head`, where it can be told.
pub(super) fn kind_of(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive, such as PyTorch's .pt and NumPy's .npz"),
        (b"\x80\x02", "a Python pickle, such as an old PyTorch .pt"),
        (b"\x80\x03", "a Python pickle"),
        (b"\x80\x04", "a Python pickle"),
        (b"\x80\x05", "a Python pickle"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"\x89HDF", "an HDF5 file, such as Keras's .h5"),
        (b"\x93NUMPY", "a NumPy .npy file"),
        (b"GGUF", "a GGUF file"),
        (b"\x7fELF", "a program"),
    ];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(kind);
    }
    // A real file has a length below 2^27 in its first eight bytes, so at least four bytes of zero.
    let text = head.len() >= 4
        && head.iter().all(|&b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..=0xf4));
    text.then_some("a text file, such as CSV, TOML or JSON")
}

/// What to do with a file of that kind.
pub(super) fn help_for(head: &[u8]) -> &'static str {
    if head.starts_with(b"PK") || head.starts_with(b"\x80") {
        "save the weights with safetensors.torch.save_file in Python"
    } else {
        "give a run directory, or a model.safetensors that backprop wrote"
    }
}
