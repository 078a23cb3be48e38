//! An AIR of any shape, and plans of it.

use p3_air::{Air, BaseAir, BoundaryPublic, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::{DefaultBackend, F, Params, Plan, PlanError, TableSpec};

/// Messages of one kind, all about the first column.
#[derive(Clone)]
pub enum Push {
    /// A message of this many elements, counted at most `weight` times.
    Global {
        bus: String,
        width: usize,
        weight: u32,
    },
    /// Tuples of these widths.
    Local(Vec<usize>),
    /// Branches of these widths.
    Exclusive { bus: String, widths: Vec<usize> },
}

/// An AIR of any shape.
#[derive(Clone)]
pub struct Odd {
    pub width: usize,
    pub preprocessed: usize,
    pub publics: usize,
    pub periodic: usize,
    pub boundary: Vec<BoundaryPublic>,
    /// Degree of its one constraint.
    pub degree: u64,
    /// Degree of the elements of its messages.
    pub message_degree: u64,
    /// What it says of the largest degree.
    pub hint: Option<usize>,
    pub pushes: Vec<Push>,
}

impl Default for Odd {
    fn default() -> Self {
        Self {
            width: 1,
            preprocessed: 0,
            publics: 0,
            periodic: 0,
            boundary: Vec::new(),
            degree: 2,
            message_degree: 1,
            hint: None,
            pushes: Vec::new(),
        }
    }
}

impl BaseAir<F> for Odd {
    fn width(&self) -> usize {
        self.width
    }

    fn preprocessed_width(&self) -> usize {
        self.preprocessed
    }

    fn num_public_values(&self) -> usize {
        self.publics
    }

    fn num_periodic_columns(&self) -> usize {
        self.periodic
    }

    fn max_constraint_degree(&self) -> Option<usize> {
        self.hint
    }

    fn public_boundary_io(&self) -> &[BoundaryPublic] {
        &self.boundary
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Odd {
    fn eval(&self, builder: &mut AB) {
        let x: AB::Expr = builder.main().current_slice()[0].into();
        builder.assert_zero(x.exp_u64(self.degree));
        let message = |width| vec![x.exp_u64(self.message_degree); width];
        for push in &self.pushes {
            match push {
                Push::Global { bus, width, weight } => {
                    let count = Count::bounded(x.clone(), *weight);
                    builder.push_interaction(bus, message(*width), count);
                }
                Push::Local(widths) => {
                    let tuples = widths.iter().map(|&width| (message(width), 1.into()));
                    builder.push_local_interaction(tuples.collect::<Vec<_>>());
                }
                Push::Exclusive { bus, widths } => {
                    let branches = widths.iter();
                    let branches = branches.map(|&width| (x.clone(), 1.into(), message(width)));
                    builder.push_exclusive_interaction(bus, branches.collect::<Vec<_>>());
                }
            }
        }
    }
}

pub fn plan_of(airs: &[Odd], specs: &[TableSpec], params: Params) -> Result<Plan<3>, PlanError> {
    Plan::new::<DefaultBackend, Odd>(airs, specs, params)
}

pub fn global(bus: &str, width: usize) -> Push {
    Push::Global {
        bus: bus.into(),
        width,
        weight: 1,
    }
}

pub fn pushes(pushes: Vec<Push>) -> Odd {
    Odd {
        pushes,
        ..Odd::default()
    }
}
