//! Numbered, timed steps for somebody who watches.

use std::time::Instant;

/// So many steps, one after the other.
pub struct Steps {
    total: usize,
    done: usize,
}

impl Steps {
    pub fn new(total: usize) -> Self {
        Self { total, done: 0 }
    }

    /// The next step: that it began, and how long it took.
    pub async fn run<T>(&mut self, what: &str, step: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        self.done += 1;
        let number = format!("[{}/{}]", self.done, self.total);
        println!("{number} {what} …");
        let began = Instant::now();
        let result = step.await.map_err(|error| error.context(format!("{number} {what}")))?;
        println!("{number} {what}: {:.1} s", began.elapsed().as_secs_f64());
        Ok(result)
    }
}
