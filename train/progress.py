"""What is shown while training: a bar with the time left on a terminal, plain lines elsewhere."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from roadseg.recipe.recipe import Recipe


class Progress:
    """Shows the step, the loss, the rate, images a second and the time left."""

    def __init__(self, recipe: Recipe, start: int, shown: bool = True):
        """Prepare to show steps `start` to recipe.steps; show nothing unless `shown`."""
        self.steps, self.shown = recipe.steps, shown
        self.batch_size = recipe.batch_size
        self.console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
        self.bar: Bar | None = None
        if shown and self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self.bar = Bar(*columns, TimeRemainingColumn(), console=self.console)
            self.task = self.bar.add_task(recipe.name, total=recipe.steps, completed=start)

    def __enter__(self) -> "Progress":
        """Show the bar, on a terminal."""
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Leave the last state of the bar."""
        if self.bar:
            self.bar.stop()

    def advance(self, done: int) -> None:
        """Show that `done` steps are done."""
        if self.bar:
            self.bar.update(self.task, completed=done)

    def report(self, done: int, loss: float, rate: float, images_per_second: float) -> None:
        """Show one line of figures."""
        left_s = (self.steps - done) * self.batch_size / max(images_per_second, 1e-9)
        self.message(
            f"step {done:>6}/{self.steps}  loss {loss:.5f}  rate {rate:.6f}  "
            f"{images_per_second:.1f} images/s  {int(left_s // 60)}:{int(left_s % 60):02d} left"
        )

    def message(self, text: str) -> None:
        """Show one line."""
        if self.shown:
            self.console.print(text)
