//! The batch kernel: transactions decoded and hashed, and their signers recovered, off the interpreter lock.
//!
//! It takes the regular forms only. Whatever looks odd comes back as `None`, and the Python twin then reads it with
//! care and says in geth's words what is wrong: so refusals have one source.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod inspect;
mod lanes;
mod rlp;
mod signer;
mod tx;

use std::iter::once;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple, PyType};

use signer::{Address, Claim, Hash};
use tx::{Authorization, Sidecar, Tx};

/// Counted up when what crosses the boundary changes, so that a kernel left over from another version is not used.
const INTERFACE: u32 = 2;

/// To decode fewer than so many takes no longer than to give the interpreter lock away and get it back.
const WORTH_THE_LOCK: usize = 8;

/// Makes what the Python twin makes: it is given the twin's classes.
#[pyclass(frozen, module = "txpool_kernel")]
struct Kernel {
    tx: Py<PyType>,
    authorization: Py<PyType>,
    sidecar: Py<PyType>,
    int_from_bytes: Py<PyAny>,
}

#[pymethods]
impl Kernel {
    #[new]
    fn new(py: Python<'_>, tx: Py<PyType>, authorization: Py<PyType>, sidecar: Py<PyType>) -> PyResult<Self> {
        lanes::are_there(); // now, rather than in the way of a transaction
        let int_from_bytes = py.get_type::<pyo3::types::PyInt>().getattr("from_bytes")?.unbind();
        Ok(Kernel {
            tx,
            authorization,
            sidecar,
            int_from_bytes,
        })
    }

    /// Decode and hash each; `None` for one that the twin should look at.
    fn decode<'py>(&self, py: Python<'py>, raws: Vec<Bound<'py, PyBytes>>) -> PyResult<Bound<'py, PyList>> {
        let inputs: Vec<&[u8]> = raws.iter().map(|raw| raw.as_bytes()).collect();
        let decode_all = || inputs.iter().map(|raw| decode_one(raw)).collect::<Vec<_>>();
        let decoded = guarded(|| {
            if inputs.len() < WORTH_THE_LOCK {
                decode_all()
            } else {
                py.detach(decode_all)
            }
        })?;
        let found = PyList::empty(py);
        for (raw, decoded) in raws.iter().zip(&decoded) {
            match decoded {
                Some((tx, hash)) => found.append(self.make_tx(py, raw, tx, hash)?)?,
                None => found.append(py.None())?,
            }
        }
        Ok(found)
    }

    /// Recover the signers of transactions in canonical form: the sender, and those of the authorizations.
    ///
    /// `None` for one that has no sender, or that the twin should look at.
    fn recover<'py>(
        &self,
        py: Python<'py>,
        raws: Vec<Bound<'py, PyBytes>>,
        chain_id: u64,
    ) -> PyResult<Bound<'py, PyList>> {
        let inputs: Vec<&[u8]> = raws.iter().map(|raw| raw.as_bytes()).collect();
        let signers = guarded(|| py.detach(|| recover_all(&inputs, chain_id)))?;
        let found = PyList::empty(py);
        for signers in signers {
            match signers {
                Some((sender, authorities)) => found.append((
                    PyBytes::new(py, &sender),
                    PyTuple::new(py, authorities.iter().map(|address| PyBytes::new(py, address)))?,
                ))?,
                None => found.append(py.None())?,
            }
        }
        Ok(found)
    }
}

impl Kernel {
    fn make_tx<'py>(
        &self,
        py: Python<'py>,
        raw: &Bound<'py, PyBytes>,
        tx: &Tx<'_>,
        hash: &Hash,
    ) -> PyResult<Bound<'py, PyAny>> {
        let canonical = match &tx.sidecar {
            None => raw.clone(),
            Some(_) => PyBytes::new(py, &[&[tx.kind], tx.body].concat()),
        };
        let chain_id = match (tx.chain_id, tx.legacy_chain_id) {
            (Some(chain_id), _) => self.int(py, chain_id)?,
            (None, Some(chain_id)) => word(py, chain_id),
            (None, None) => py.None().into_bound(py),
        };
        let tip_cap = self.int(py, tx.tip_cap)?;
        let fee_cap = if tx.kind < 2 {
            tip_cap.clone()
        } else {
            self.int(py, tx.fee_cap)?
        };
        let fields: [Bound<'py, PyAny>; 22] = [
            word(py, u64::from(tx.kind)),
            chain_id,
            word(py, tx.nonce),
            tip_cap,
            fee_cap,
            word(py, tx.gas),
            match tx.to {
                Some(to) => PyBytes::new(py, to).into_any(),
                None => py.None().into_bound(py),
            },
            self.int(py, tx.value)?,
            PyBytes::new(py, tx.data).into_any(),
            word(py, tx.access_addresses as u64),
            word(py, tx.access_keys as u64),
            PyBytes::new(py, tx.access_list).into_any(),
            self.make_authorizations(py, &tx.authorizations)?.into_any(),
            self.int(py, tx.blob_fee_cap)?,
            strings(py, &tx.blob_hashes)?.into_any(),
            self.int(py, tx.v)?,
            self.int(py, tx.r)?,
            self.int(py, tx.s)?,
            PyBytes::new(py, hash).into_any(),
            canonical.into_any(),
            word(py, raw.as_bytes().len() as u64),
            match &tx.sidecar {
                Some(sidecar) => self.make_sidecar(py, sidecar)?,
                None => py.None().into_bound(py),
            },
        ];
        self.tx.bind(py).call1(PyTuple::new(py, fields)?)
    }

    fn make_authorizations<'py>(
        &self,
        py: Python<'py>,
        authorizations: &[Authorization<'_>],
    ) -> PyResult<Bound<'py, PyTuple>> {
        let mut made = Vec::with_capacity(authorizations.len());
        for one in authorizations {
            made.push(self.authorization.bind(py).call1((
                self.int(py, one.chain_id)?,
                PyBytes::new(py, one.address),
                one.nonce,
                one.y_parity,
                self.int(py, one.r)?,
                self.int(py, one.s)?,
            ))?);
        }
        PyTuple::new(py, made)
    }

    fn make_sidecar<'py>(&self, py: Python<'py>, sidecar: &Sidecar<'_>) -> PyResult<Bound<'py, PyAny>> {
        self.sidecar.bind(py).call1((
            sidecar.version,
            strings(py, &sidecar.blobs)?,
            strings(py, &sidecar.commitments)?,
            strings(py, &sidecar.proofs)?,
        ))
    }

    /// An integer of any width; the stable interface has no quicker way for wide ones.
    fn int<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        match rlp::as_word(bytes) {
            Some(small) => Ok(word(py, small)),
            None => self
                .int_from_bytes
                .bind(py)
                .call1((PyBytes::new(py, bytes), intern!(py, "big"))),
        }
    }
}

fn word(py: Python<'_>, number: u64) -> Bound<'_, PyAny> {
    match number.into_pyobject(py) {
        Ok(made) => made.into_any(),
        Err(never) => match never {},
    }
}

fn strings<'py>(py: Python<'py>, pieces: &[&[u8]]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, pieces.iter().map(|piece| PyBytes::new(py, piece)))
}

fn decode_one(raw: &[u8]) -> Option<(Tx<'_>, Hash)> {
    let tx = tx::decode(raw)?;
    let hash = signer::hash(&tx);
    Some((tx, hash))
}

/// Sender and authorities of each, the authorities without repeats in order of first appearance; all that is signed is
/// recovered together.
fn recover_all(raws: &[&[u8]], chain_id: u64) -> Vec<Option<(Address, Vec<Address>)>> {
    let claims: Vec<_> = raws.iter().map(|raw| claims_of(raw, chain_id)).collect();
    let flat: Vec<&Claim> = claims
        .iter()
        .flatten()
        .flat_map(|(sender, others)| once(sender).chain(others))
        .collect();
    let mut found = signer::signers(&flat).into_iter();
    let mut next = || found.next().expect("an answer for each claim");
    let mut signers_of = |others: usize| {
        let sender = next();
        let mut authorities = Vec::new();
        for address in (0..others).filter_map(|_| next()) {
            if !authorities.contains(&address) {
                authorities.push(address);
            }
        }
        Some((sender?, authorities))
    };
    claims
        .iter()
        .map(|each| each.as_ref().and_then(|(_, others)| signers_of(others.len())))
        .collect()
}

/// What says who signed a transaction and its authorizations; None where it has no sender.
fn claims_of(raw: &[u8], chain_id: u64) -> Option<(Claim, Vec<Claim>)> {
    let tx = tx::decode(raw)?;
    let authorities = tx.authorizations.iter().filter_map(signer::authority).collect();
    Some((signer::sender(&tx, chain_id)?, authorities))
}

/// Turn a panic, which is a bug of ours, into an error that a batch can be given up with.
fn guarded<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| cause.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        PyRuntimeError::new_err(format!("the kernel panicked: {text}"))
    })
}

/// Break as a bug of ours would, off the interpreter lock: for the test that a panic is an error.
#[pyfunction]
fn panic_on_purpose(py: Python<'_>, text: &str) -> PyResult<()> {
    guarded(|| py.detach(|| panic!("{text}")))
}

#[pymodule]
fn txpool_kernel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("INTERFACE", INTERFACE)?;
    module.add("LANES", if lanes::are_there() { lanes::LANES } else { 1 })?;
    module.add_class::<Kernel>()?;
    module.add_function(wrap_pyfunction!(inspect::inspected, module)?)?;
    module.add_function(wrap_pyfunction!(panic_on_purpose, module)?)
}
