use loradeck_core::config::LoraTargets;
use loradeck_data::base_model::BaseModel;
use loradeck_data::sample::Sample;
use loradeck_train::{adapters::Adapters, batch::*, generate, model::Llama, optimizer::*, step::Stepper};
use std::sync::Arc;
use std::time::Instant;
use tch::{Device, Kind};
fn cpu() -> f64 {
    let t = std::fs::read_to_string("/proc/self/stat").unwrap();
    let v: Vec<&str> = t.rsplit(')').next().unwrap().split_whitespace().collect();
    (v[11].parse::<f64>().unwrap() + v[12].parse::<f64>().unwrap()) / 100.0
}
fn main() {
    let _g = tch::no_grad_guard();
    let t = Instant::now();
    let path = std::env::args().nth(1).unwrap();
    let base = Arc::new(BaseModel::find(std::path::Path::new("/"), &path).unwrap());
    let mut model = Llama::load(base, Kind::Float, Device::Cpu, 2048).unwrap();
    println!("load {:?}", t.elapsed());
    let mut adapters =
        Adapters::attach(&mut model, &LoraTargets::Preset("qkv".into()), 8, 16.0, 0, Device::Cpu).unwrap();
    println!("params {}", adapters.count());
    let mut state = 1u64;
    let mut samples = vec![];
    for i in 0..8 {
        let n = if i % 2 == 0 { 65 } else { 65 };
        let ids: Vec<u32> = (0..n)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                ((state >> 33) % 49152) as u32
            })
            .collect();
        samples.push(Sample { labels_mask: (0..n).map(|i| i > 40).collect(), ids });
    }
    let refs: Vec<&Sample> = samples.iter().collect();
    let opt = AdamW::new(adapters.count(), Constants { weight_decay: 0.0, max_grad_norm: 1.0 }, Device::Cpu)
        .unwrap();
    let mut st = Stepper::new(opt, 1, Device::Cpu).unwrap();
    for step in 1..=6 {
        let t = Instant::now();
        let c = cpu();
        let b = HostBatch::new(&refs, Padding::Packed, 0);
        st.step(&model, &mut adapters, &[b], step, 2e-3).unwrap();
        println!("{:?} cpu {:.2} {:?}", t.elapsed(), cpu() - c, st.read(step, step).unwrap());
    }
    let t = Instant::now();
    let out = generate::greedy(
        &model,
        &[vec![1, 2, 3, 4], vec![7, 8]],
        &generate::Limits { tokens: 24, stops: vec![], pad_id: 0 },
        Device::Cpu,
        || false,
    )
    .unwrap()
    .unwrap();
    println!("{:?} {:?}", t.elapsed(), out);
}
