use super::*;

fn read(argument: &str) -> Result<String, String> {
    match read_override(argument, Scope::All, 1) {
        Err(problem) => Err(format!("{:?} {}", problem.place, problem.message)),
        Ok(Override::SweepFile { path, .. }) => Ok(format!("sweep file {path:?}")),
        Ok(Override::Field { name, value, .. }) => Ok(format!("field {} {:?}", name.text, value.content)),
        Ok(Override::Key { change, .. }) => Ok(match change {
            Change::Fix(entry) => format!("fix {}", entry.value),
            Change::Reset => "reset".into(),
            Change::Sweep(Draws::Values { values, .. }) => {
                let values: Vec<String> = values.iter().map(|entry| entry.value.to_string()).collect();
                format!("sweep {}", values.join(" "))
            }
            Change::Sweep(Draws::Numbers(distribution)) => format!("draw {distribution}"),
            Change::Sweep(Draws::Fixed(_)) => panic!("a sweep of one value"),
        }),
    }
}

#[test]
fn plain_values_fix_and_commas_sweep() {
    assert_eq!(read("lr=2e-4"), Ok("fix 2e-4".into()));
    assert_eq!(read("rank=4,8,4"), Ok("sweep 4 8 4".into()));
    assert_eq!(read("lora_rank=range(4,17,4)"), Ok("sweep 4 8 12 16".into()));
    assert_eq!(read("seed=choice(0,1,2)"), Ok("sweep 0 1 2".into()));
    assert_eq!(read("learning_rate=logspace(-4,-3,2)"), Ok("sweep 1e-4 1e-3".into()));
    assert_eq!(read("max_steps=null"), Ok("reset".into()));
}

#[test]
fn brackets_are_one_list() {
    assert_eq!(read("lora_targets=[q_proj,v_proj]"), Ok("fix [q_proj, v_proj]".into()));
    assert_eq!(read("lora_targets=qkv,[q_proj,v_proj]"), Ok("sweep qkv [q_proj, v_proj]".into()));
    assert_eq!(read("lora_targets=.*(q|v)_proj"), Ok("fix \".*(q|v)_proj\"".into()));
}

#[test]
fn quotes_keep_commas() {
    assert_eq!(read("notes='a, b'"), Ok("fix \"a, b\"".into()));
    assert_eq!(read("notes=it's fine"), Ok("fix \"it's fine\"".into()));
    assert_eq!(read("notes=first: second"), Ok("fix \"first: second\"".into()));
    assert_eq!(read("notes=*x"), Ok("fix \"*x\"".into()));
}

#[test]
fn problems_name_the_column_of_the_value() {
    assert_eq!(read("rank=4,eight"), Err("Argument(1, 8) is no whole number".into()));
    assert_eq!(read("rank=choice(4,x)"), Err("Argument(1, 15) is no whole number".into()));
    assert_eq!(read("rank=4,"), Err("Argument(1, 8) has an empty value".into()));
    assert_eq!(read("rank"), Err("Argument(1, 1) is no override".into()));
    assert_eq!(read("sweep.parameters={}"), Err("Argument(1, 18) cannot be overridden".into()));
    assert_eq!(read("sweep.metric.name=x"), Err("Argument(1, 19) is a part of a field".into()));
    assert_eq!(
        read("priority=1,2"),
        Err("Argument(1, 1) cannot be swept: it is the same for all runs".into())
    );
}

#[test]
fn fields_of_the_sweep_are_taken_as_yaml() {
    assert_eq!(read("sweep.run_cap=2"), Ok("field run_cap Whole(2)".into()));
    assert_eq!(read("sweep.method=random"), Ok("field method Text".into()));
}

#[test]
fn a_whole_sweep_is_a_file_or_none() {
    assert_eq!(read("sweep=wandb.yaml"), Ok("sweep file Some(\"wandb.yaml\")".into()));
    assert_eq!(read("sweep=null"), Ok("sweep file None".into()));
    assert_eq!(read("sweep=[a]"), Err("Argument(1, 7) is no file that holds a sweep".into()));
    assert_eq!(read("sweep={method: grid}"), Err("Argument(1, 7) is no file that holds a sweep".into()));
}

#[test]
fn hydras_functions_are_read() {
    assert_eq!(read("lr=interval(1e-5,1e-3)"), Ok("draw 1e-5 to 1e-3 (uniform)".into()));
    assert_eq!(
        read("lr=tag(log, interval(1e-5, 1e-3))"),
        Ok("draw 1e-5 to 1e-3 (log_uniform_values)".into())
    );
    assert_eq!(read("lr=loguniform(1e-5,1e-3)"), Ok("draw 1e-5 to 1e-3 (log_uniform_values)".into()));
    assert_eq!(read("rank=interval(4,64)"), Ok("draw 4 to 64 (int_uniform)".into()));
    assert_eq!(read("epochs=interval(1,3)"), Ok("draw 1 to 3 (uniform)".into()));
    assert_eq!(read("epochs=int(interval(1,3))"), Ok("draw 1 to 3 (int_uniform)".into()));
    let log = Ok("draw 4 to 64 (q_log_uniform_values, q 1)".into());
    assert_eq!(read("rank=tag(log,int(interval(4,64)))"), log);
    assert_eq!(read("rank=int(tag(log,interval(start=4,end=64)))"), log);
    assert_eq!(read("rank=range(start=4,stop=17,step=4)"), Ok("sweep 4 8 12 16".into()));
    assert_eq!(read("rank=range(stop=3,start=1)"), Ok("sweep 1 2".into()));
    assert_eq!(read("seed=range(stop=3)"), Ok("sweep 0 1 2".into()));
    assert_eq!(read("rank=sort(16,4,8)"), Ok("sweep 4 8 16".into()));
    assert_eq!(read("rank=sort(choice(16,4,8),reverse=true)"), Ok("sweep 16 8 4".into()));
    assert_eq!(read("rank=sort(sweep=range(16,0,-8))"), Ok("sweep 8 16".into()));
    assert_eq!(read("rank=int(choice(4.9,8))"), Ok("sweep 4 8".into()));
    assert_eq!(read("epochs=float(3)"), Ok("fix 3".into()));
    assert_eq!(read("rank=sort(4)"), Ok("fix 4".into()));
    let shuffled = read("rank=shuffle(range(1,9))").unwrap();
    assert_eq!(shuffled, read("rank=shuffle(range(1,9))").unwrap());
    let mut values: Vec<&str> = shuffled.split(' ').skip(1).collect();
    assert_ne!(values, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    values.sort_unstable();
    assert_eq!(values, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    // A key of texts takes casts for what they are.
    assert_eq!(read("notes=int(3)"), Ok("fix int(3)".into()));
}

#[test]
fn calls_that_mean_nothing_are_refused_where_they_stand() {
    let problem = |argument: &str| read(argument).unwrap_err();
    assert!(problem("lora_targets=glob(*)").starts_with("Argument(1, 14) glob(…) selects files"));
    assert!(problem("rank=str(8)").starts_with("Argument(1, 6) str(…) is not needed"));
    assert_eq!(problem("lr=interval(1e-3,1e-5)"), "Argument(1, 18) the end is below the start");
    assert_eq!(problem("lr=interval(0,1e-3)"), "Argument(1, 13) is not a number above 0");
    assert_eq!(problem("rank=interval(4,99999)"), "Argument(1, 17) is above 65536");
    assert_eq!(
        problem("rank=interval(0.5,8)"),
        "Argument(1, 15) is a whole number, and uniform draws fractions"
    );
    assert_eq!(problem("rank=int(interval(0.5,8))"), "Argument(1, 19) is no whole number");
    assert_eq!(
        problem("notes=interval(0,1)"),
        "Argument(1, 16) is no number, so that none can be drawn for it"
    );
    assert_eq!(
        problem("weight_decay=tag(log,interval(0,1))"),
        "Argument(1, 31) is not above 0, where logarithms begin"
    );
    assert_eq!(
        problem("lr=tag(fast,interval(1e-5,1e-3))"),
        "Argument(1, 8) the tag 'fast' means nothing here; log does"
    );
    assert_eq!(
        problem("rank=tag(log,choice(1,2))"),
        "Argument(1, 6) the tag log means something for an interval only"
    );
    assert_eq!(
        problem("rank=shuffle(interval(1,2))"),
        "Argument(1, 14) an interval has no order for shuffle"
    );
    assert_eq!(
        problem("rank=range(1,stop=3,step=1,4)"),
        "Argument(1, 28) range(…) has an unnamed argument after a named one"
    );
    assert_eq!(problem("rank=range(1,9,speed=1)"), "Argument(1, 22) range does not take speed=…");
    let deep = format!("rank={}4{}", "int(".repeat(40), ")".repeat(40));
    assert!(problem(&deep).contains("has more than 16 calls in each other"));
}

proptest::proptest! {
    #[test]
    fn no_call_panics(calls in proptest::collection::vec("(choice|range|interval|tag|int|sort|shuffle|linspace|glob)\\(", 0..5), inner in "[-a-z0-9.,=() ]{0,30}") {
        let _ = read(&format!("lr={}{inner}{}", calls.concat(), ")".repeat(calls.len())));
    }

    #[test]
    fn no_argument_panics(argument in "(notes|rank|lr|lora_targets|sample_prompts)=\\PC{0,40}|\\PC{0,20}") {
        let _ = read(&argument);
    }
}
